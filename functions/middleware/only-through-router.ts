import type { MiddlewareHandler } from "hono";
import { isRouterToken, routerHeader } from "../../shared/router-token.ts";
import type { Edge, EdgeEnv } from "../edge.ts";
import { refuse } from "../problem-responses.ts";

/** If there is a router, refuses requests that bypass it and its firewall. */
export function onlyThroughRouter({ clock, settings }: Edge): MiddlewareHandler<EdgeEnv> {
  const { router, publicUrl } = settings;
  return async (context, next) => {
    const token = context.req.header(routerHeader) ?? "";
    if (router && !isRouterToken(token, { ...router, now: clock.now() }))
      throw refuse("not_through_router", `This URL is internal; send requests to ${publicUrl}.`);
    await next();
  };
}
