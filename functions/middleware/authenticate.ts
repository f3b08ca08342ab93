import type { MiddlewareHandler } from "hono";
import type { Scope } from "../../shared/accounts/api-key.ts";
import type { Edge, EdgeEnv } from "../edge.ts";
import { refuse } from "../problem-answers.ts";

/** Lets through whoever brings a living key; what it opens is told by its scopes. */
export function authenticate({ keys }: Edge): MiddlewareHandler<EdgeEnv> {
  return async (context, next) => {
    const [scheme, secret, ...rest] = (context.req.header("Authorization") ?? "").split(" ");
    const found =
      scheme?.toLowerCase() === "bearer" && secret && !rest.length ? await keys.find(secret) : undefined;
    if (!found)
      throw refuse(
        "unauthorized",
        "Send a valid key as: Authorization: Bearer visii_…; keys are made at /v1/keys.",
      );
    const scope = scopeFor(context.req.method, context.req.path);
    if (!found.scopes.includes(scope))
      throw refuse(
        "missing_scope",
        `This key has not the scope "${scope}"; make one that has, or ask who can.`,
      );
    context.set("key", found);
    context.set("account", found.account);
    await next();
  };
}

/** Keys and webhooks lead to everything else, so they have a scope of their own. */
function scopeFor(method: string, path: string): Scope {
  if (path.startsWith("/v1/keys") || path.startsWith("/v1/webhooks")) return "keys";
  return method === "GET" || method === "HEAD" ? "read" : "write";
}
