import type { MiddlewareHandler } from "hono";
import { isPass, routerHeader } from "../../shared/router-pass.ts";
import type { Edge, EdgeEnv } from "../edge.ts";
import { refuse } from "../problem-responses.ts";

/** If there is a router, refuses requests that bypass it and its firewall. */
export function onlyThroughRouter({ clock, settings }: Edge): MiddlewareHandler<EdgeEnv> {
  const { router, publicUrl } = settings;
  return async (context, next) => {
    const pass = context.req.header(routerHeader) ?? "";
    if (router && !isPass(pass, { ...router, now: clock.now() }))
      throw refuse("not_through_router", `This URL is internal; send requests to ${publicUrl}.`);
    await next();
  };
}
