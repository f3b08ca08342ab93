import type { Context, MiddlewareHandler } from "hono";
import { isUploadToken, isWellFormedKey, type Scope } from "../../shared/accounts/api-key.ts";
import type { Edge, EdgeEnv } from "../edge.ts";
import { refuse } from "../problem-responses.ts";
import { UnknownKeys } from "./unknown-keys.ts";

/** Looks up secrets. `existed` returns true if this process has found the secret before. */
interface Secrets<Found> {
  existed(secret: string): boolean;
  find(secret: string): Promise<Found | undefined>;
}

/**
 * Requires a valid API key with the scope for the request, or an upload token for the uploads that it allows.
 */
export function authenticate({ keys, uploadTokens, clock }: Edge): MiddlewareHandler<EdgeEnv> {
  const unknownKeys = new UnknownKeys(clock);

  async function find<Found>(
    context: Context<EdgeEnv>,
    secret: string,
    secrets: Secrets<Found>,
  ): Promise<Found | undefined> {
    if (secrets.existed(secret)) return secrets.find(secret);
    const taken = unknownKeys.take(context);
    if ("wait" in taken) {
      context.header("Retry-After", String(taken.wait));
      throw refuse(
        "rate_limited",
        `This IP address has tried too many unknown keys; retry in ${taken.wait} s.`,
      );
    }
    const found = await secrets.find(secret);
    if (found) taken.refund();
    return found;
  }

  return async (context, next) => {
    const [scheme, given, ...rest] = (context.req.header("Authorization") ?? "").split(" ");
    const secret = scheme?.toLowerCase() === "bearer" && !rest.length ? (given ?? "") : "";
    const token = isUploadToken(secret) ? await find(context, secret, uploadTokens) : undefined;
    if (token) {
      if (context.req.method !== "POST" || !tokenPaths.test(context.req.path))
        throw refuse(
          "missing_scope",
          "An upload token can only create and complete uploads; use an API key for other requests.",
        );
      context.set("uploadToken", token);
      context.set("account", token.account);
      return next();
    }
    const found = isWellFormedKey(secret) ? await find(context, secret, keys) : undefined;
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

/** Paths to which an upload token can send POST. */
const tokenPaths = /^\/v1\/uploads(\/upl_[0-9a-z]{26}\/complete)?$/;

/**
 * Keys and webhooks give access to everything else, so they have their own scope. Closing the account
 * requires it too.
 */
function scopeFor(method: string, path: string): Scope {
  if (path.startsWith("/v1/keys") || path.startsWith("/v1/webhooks")) return "keys";
  if (path === "/v1/account" && method === "DELETE") return "keys";
  return method === "GET" || method === "HEAD" ? "read" : "write";
}
