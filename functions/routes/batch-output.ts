import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { stream } from "hono/streaming";
import { defined } from "../../shared/defined.ts";
import { idSchema } from "../../shared/ids.ts";
import { type BatchLine, batchLineSchema, maxLines, type StoredLine } from "../../shared/resources/batch.ts";
import { readOutput } from "../batches/batch-output.ts";
import type { Edge, EdgeEnv } from "../edge.ts";
import { requireBatch } from "./batches.ts";
import { orProblem, secured } from "./route-parts.ts";

const files = {
  output: { operationId: "getBatchOutput", summary: "Get the lines that succeeded so far" },
  errors: { operationId: "getBatchErrors", summary: "Get the lines that failed or were canceled" },
} as const;
/** JSON Lines. The framework would treat `application/jsonl` as JSON. */
const linesType = "application/x-ndjson";
const shown = batchLineSchema.meta({ id: "BatchLine" });
const request = {
  params: z.object({ id: idSchema("batch").meta({ param: { name: "id", in: "path" } }) }),
  query: z.object({
    from_line: z.coerce
      .number()
      .int()
      .min(0)
      .max(maxLines)
      .default(0)
      .describe("First line to return, from 0. Use it to resume an earlier read."),
  }),
};

/** Result URLs that do not expire, unlike signed URLs. */
function presentLine(
  { settings }: Edge,
  { line, job, status, custom_id, results, error, usage }: StoredLine,
): BatchLine {
  return {
    line,
    edit: job,
    status,
    ...defined({ custom_id }),
    ...(status === "succeeded"
      ? {
          results: results.map(({ width, height }, index) => ({
            url: `${settings.publicUrl}/v1/edits/${job}/results/${index}`,
            width,
            height,
          })),
        }
      : {}),
    ...defined({ error, usage }),
  };
}

/** GET …/output and …/errors: JSON Lines, streamed with one part in memory at a time. */
export function addBatchOutputRoutes(app: OpenAPIHono<EdgeEnv>, edge: Edge): void {
  for (const [file, { operationId, summary }] of Object.entries(files)) {
    const route = createRoute({
      method: "get",
      path: `/v1/batches/{id}/${file}`,
      operationId,
      summary,
      tags: ["Batches"],
      security: secured,
      request,
      responses: {
        200: {
          content: { [linesType]: { schema: shown } },
          description: "JSON Lines in order, up to the first line that has not ended",
        },
        204: { description: "The line `from_line` has not ended yet" },
        ...orProblem,
      },
    });
    app.openapi(route, async (context) => {
      const { id } = context.req.valid("param");
      const batch = await requireBatch(edge, context.get("account"), id);
      const parts = readOutput(edge, batch, context.req.valid("query").from_line);
      // Read before the response starts, so that an unreachable store still causes a 503.
      let part = await parts.next();
      if (part.done) return context.body(null, 204);
      context.header("Content-Type", linesType);
      return stream(context, async (out) => {
        for (; !part.done && !out.aborted; part = await parts.next()) {
          const wanted = part.value.filter(({ status }) => (status === "succeeded") === (file === "output"));
          const lines = wanted.map((line) => JSON.stringify(presentLine(edge, line)));
          await out.write(lines.map((line) => `${line}\n`).join(""));
        }
      });
    });
  }
}
