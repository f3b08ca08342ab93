import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { EdgeEnv } from "../edge.ts";
import { json, orProblem } from "./route-parts.ts";

const get = createRoute({
  method: "get",
  path: "/healthz",
  operationId: "getHealth",
  tags: ["Health"],
  security: [],
  summary: "Check that the API is running",
  responses: {
    200: json(z.object({ status: z.literal("ok") }).meta({ id: "Health" }), "The API is running"),
    ...orProblem,
  },
});

/** Adds the health check. */
export function addHealthRoute(app: OpenAPIHono<EdgeEnv>): void {
  app.openapi(get, (context) => context.json({ status: "ok" as const }, 200));
}
