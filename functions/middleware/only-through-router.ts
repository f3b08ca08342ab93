import type { MiddlewareHandler } from "hono";
import { isPass, routerHeader } from "../../shared/router-pass.ts";
import type { Edge, EdgeEnv } from "../edge.ts";
import { refuse } from "../problem-answers.ts";

/** Refuses whoever found the function's own address: past the router there is no firewall. Where there is no router, nobody. */
export function onlyThroughRouter({ clock, settings }: Edge): MiddlewareHandler<EdgeEnv> {
  const { router, publicUrl } = settings;
  return async (context, next) => {
    const pass = context.req.header(routerHeader) ?? "";
    if (router && !isPass(pass, { ...router, now: clock.now() }))
      throw refuse(
        "not_through_router",
        `Requests are answered at ${publicUrl ?? "the router's address"} alone.`,
      );
    await next();
  };
}
