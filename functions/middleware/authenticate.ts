import type { Context, MiddlewareHandler } from "hono";
import { isWellFormedKey, type Scope, type StoredKey } from "../../shared/accounts/api-key.ts";
import type { Edge, EdgeEnv } from "../edge.ts";
import { refuse } from "../problem-answers.ts";
import { UnknownKeys } from "./unknown-keys.ts";

/** Requires a valid API key with the scope for the request. */
export function authenticate({ keys, clock }: Edge): MiddlewareHandler<EdgeEnv> {
  const unknownKeys = new UnknownKeys(clock);

  async function find(context: Context<EdgeEnv>, secret: string): Promise<StoredKey | undefined> {
    if (!isWellFormedKey(secret)) return undefined;
    if (keys.existed(secret)) return keys.find(secret);
    const taken = unknownKeys.take(context);
    if ("wait" in taken) {
      context.header("Retry-After", String(taken.wait));
      throw refuse(
        "rate_limited",
        `This IP address has tried too many unknown keys; retry in ${taken.wait} s.`,
      );
    }
    const found = await keys.find(secret);
    if (found) taken.refund();
    return found;
  }

  return async (context, next) => {
    const [scheme, secret, ...rest] = (context.req.header("Authorization") ?? "").split(" ");
    const found =
      scheme?.toLowerCase() === "bearer" && secret && !rest.length ? await find(context, secret) : undefined;
    if (!found)
      throw refuse("unauthorized", "The API key is missing or invalid; send Authorization: Bearer visii_….");
    const scope = scopeFor(context.req.method, context.req.path);
    if (!found.scopes.includes(scope))
      throw refuse(
        "missing_scope",
        `The API key does not have the scope "${scope}"; use or create one that has it.`,
      );
    context.set("key", found);
    context.set("account", found.account);
    await next();
  };
}

/**
 * Keys and webhooks give access to everything else, so they have their own scope. Closing the account
 * requires it too.
 */
function scopeFor(method: string, path: string): Scope {
  if (path.startsWith("/v1/keys") || path.startsWith("/v1/webhooks")) return "keys";
  if (path === "/v1/account" && method === "DELETE") return "keys";
  return method === "GET" || method === "HEAD" ? "read" : "write";
}
