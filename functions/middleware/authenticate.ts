import type { Context, MiddlewareHandler } from "hono";
import { isWellFormedKey, type Scope, type StoredKey } from "../../shared/accounts/api-key.ts";
import type { Edge, EdgeEnv } from "../edge.ts";
import { refuse } from "../problem-answers.ts";
import { UnknownKeys } from "./unknown-keys.ts";

/** Accepts requests with a key that exists and whose scopes allow the request. */
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
        `This address has tried too many unknown keys; try again in ${taken.wait} s.`,
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
      throw refuse(
        "unauthorized",
        "Send a valid key as: Authorization: Bearer visii_…; keys are made at /v1/keys.",
      );
    const scope = scopeFor(context.req.method, context.req.path);
    if (!found.scopes.includes(scope))
      throw refuse(
        "missing_scope",
        `This key does not have the scope "${scope}"; use or create one that does.`,
      );
    context.set("key", found);
    context.set("account", found.account);
    await next();
  };
}

/** Keys and webhooks lead to everything else, so they have a scope of their own; closing the account takes it too. */
function scopeFor(method: string, path: string): Scope {
  if (path.startsWith("/v1/keys") || path.startsWith("/v1/webhooks")) return "keys";
  if (path === "/v1/account" && method === "DELETE") return "keys";
  return method === "GET" || method === "HEAD" ? "read" : "write";
}
