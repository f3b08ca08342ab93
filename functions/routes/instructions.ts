import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { defined } from "../../shared/defined.ts";
import { learningCost, prices } from "../../shared/prices.ts";
import { isTerminal, jobsQuerySchema } from "../../shared/resources/fields.ts";
import {
  createInstructionSchema,
  importInstructionSchema,
  instructionSchema,
  patchInstructionSchema,
} from "../../shared/resources/instruction.ts";
import { instructionType } from "../../shared/resources/upload.ts";
import type { Edge, EdgeEnv } from "../edge.ts";
import { presentInstruction } from "../present/instruction.ts";
import { refuse } from "../problem-responses.ts";
import { useQuota } from "../quotas.ts";
import { submitJob } from "../submit-job.ts";
import { requireUploads } from "../uploads.ts";
import { waitForJob } from "../wait-for-job.ts";
import { addEventRoute, cancelJob, deleteEndedJob, requireJob } from "./job-actions.ts";
import { listJobs } from "./job-lists.ts";
import { jobRoutes } from "./job-routes.ts";
import { exampleId, idParams, json, jsonBody, orProblem, secured } from "./route-parts.ts";

const shown = instructionSchema.meta({ id: "Instruction" });

const patch = createRoute({
  tags: ["Instructions"],
  security: secured,
  method: "patch",
  path: "/v1/instructions/{id}",
  operationId: "updateInstruction",
  summary: "Change an instruction's name or metadata",
  request: { params: idParams("instruction"), ...jsonBody(patchInstructionSchema, { name: "watercolor" }) },
  responses: { 200: json(shown, "The instruction"), ...orProblem },
});

/** Adds the routes of instructions: learning, importing, reading, updating, canceling and deleting them. */
export function addInstructionRoutes(app: OpenAPIHono<EdgeEnv>, edge: Edge): void {
  const { jobs } = edge;
  const routes = jobRoutes(app, edge, "instructions", shown, {
    find: (context, id) => requireJob(edge, context, id),
    present: (job, full) => presentInstruction(edge, job, full),
    wait: (context, job) => waitForJob(edge, context, job),
  });

  routes.create({
    summary: "Learn an edit from before/after pairs",
    body: jsonBody(createInstructionSchema, {
      pairs: [{ before: exampleId("upload", 1), after: exampleId("upload", 2) }],
      name: "watercolor",
    }),
    async plan(context, request) {
      const ids = request.pairs.flatMap(({ before, after }) => [before, after]);
      await requireUploads(edge, context.get("account"), ids);
      const cost = learningCost(request.steps);
      return {
        cost: () => cost,
        submit: () => submitJob(edge, context, { kind: "learn", ...request }, { queue: "learning", cost }),
      };
    },
  });

  routes.create({
    path: "/import",
    operationId: "importInstruction",
    summary: "Import a .visii file",
    body: jsonBody(importInstructionSchema, { upload: exampleId("upload") }),
    async plan(context, request) {
      const account = context.get("account");
      await requireUploads(edge, account, [request.upload], [instructionType]);
      const cost = prices.importedFile;
      return {
        cost: () => cost,
        async submit() {
          await useQuota(edge, account, "imports", 1);
          return submitJob(edge, context, { kind: "import", ...request }, { queue: "interactive", cost });
        },
      };
    },
  });

  routes.list({
    query: jobsQuerySchema,
    page: (context, { status, ...query }) =>
      listJobs(
        edge,
        context.get("account"),
        "ins#",
        query,
        (job) => status === undefined || job.status === status,
      ),
  });

  routes.get("Get an instruction");

  app.openapi(patch, async (context) => {
    const { name, metadata } = context.req.valid("json");
    const job = await requireJob(edge, context, context.req.valid("param").id);
    if (!isTerminal(job.status))
      throw refuse("not_ready", `Instruction ${job.id} is ${job.status}; update it when it has ended.`);
    const now = await jobs.change(job.account, job.id, (row) =>
      row.request.kind === "edit"
        ? undefined
        : {
            job: {
              ...row,
              request: {
                ...row.request,
                ...defined({ name, metadata }),
              },
            },
          },
    );
    return context.json(await presentInstruction(edge, now ?? job, false), 200);
  });

  routes.delete({ summary: "Delete an instruction and its files" }, async (context, id) =>
    deleteEndedJob(edge, await requireJob(edge, context, id), "Instruction"),
  );

  routes.action("cancel", "Cancel learning", async (context, id) =>
    cancelJob(edge, await requireJob(edge, context, id)),
  );

  addEventRoute(app, edge, "instructions");
}
