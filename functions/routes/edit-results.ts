import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { idSchema } from "../../shared/ids.ts";
import { lifetimes } from "../../shared/object-keys.ts";
import type { Edge, EdgeEnv } from "../edge.ts";
import { isExpired } from "../present/edit.ts";
import { refuse } from "../problem-responses.ts";
import { requireJob } from "./job-actions.ts";
import { orProblem, secured } from "./route-parts.ts";

const place = z
  .string()
  .regex(/^\d{1,2}$/, "must be a number from 0 to 63")
  .describe("Position in `results`, from 0.");
const get = createRoute({
  method: "get",
  path: "/v1/edits/{id}/results/{index}",
  operationId: "getEditResult",
  tags: ["Edits"],
  security: secured,
  summary: "Download a result; this URL does not expire before the result does",
  request: {
    params: z.object({
      id: idSchema("edit").meta({ param: { name: "id", in: "path" } }),
      index: place.meta({ param: { name: "index", in: "path" } }),
    }),
  },
  responses: {
    302: {
      description: "Redirect to a new signed URL",
      headers: z.object({ Location: z.url() }),
    },
    410: { ...orProblem["4XX"], description: "The result has expired (`results_expire_at`)" },
    ...orProblem,
  },
});

/** A signed URL expires; this route redirects to a new one each time. */
export function addEditResultRoute(app: OpenAPIHono<EdgeEnv>, edge: Edge): void {
  const { objects, clock } = edge;
  app.openapi(get, async (context) => {
    const { id, index } = context.req.valid("param");
    const job = await requireJob(edge, context, id);
    if (isExpired(job, clock.now()))
      throw refuse("results_expired", `The results of ${id} have expired; create the edit again.`);
    const result = job.results[Number(index)];
    if (!result)
      throw refuse(
        "not_found",
        `${id} has no result ${index}; it has ${job.results.length}, numbered from 0.`,
      );
    return context.redirect(await objects.presignDownload(result.key, lifetimes.signedLink), 302);
  });
}
