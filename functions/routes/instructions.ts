import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { defined } from "../../shared/defined.ts";
import { learningCost, prices } from "../../shared/prices.ts";
import { isTerminal, jobsQuerySchema, pageOf } from "../../shared/resources/fields.ts";
import {
  createInstructionSchema,
  importInstructionSchema,
  instructionSchema,
  patchInstructionSchema,
} from "../../shared/resources/instruction.ts";
import { instructionType } from "../../shared/resources/upload.ts";
import { deleteJob } from "../delete-job.ts";
import type { Edge, EdgeEnv } from "../edge.ts";
import { presentInstruction } from "../present/instruction.ts";
import { refuse } from "../problem-answers.ts";
import { useQuota } from "../quotas.ts";
import { isDryRun, quote, quoteSchema } from "../quote.ts";
import { submitJob } from "../submit-job.ts";
import { requireUploads } from "../uploads.ts";
import { waitForJob } from "../wait-for-job.ts";
import { addEventRoute, cancelJob, requireJob } from "./job-actions.ts";
import { listJobs } from "./job-lists.ts";
import { jobHeaders, preferHeader } from "./request-headers.ts";
import { exampleId, idParams, json, jsonBody, orProblem, secured } from "./route-parts.ts";

const tags = ["Instructions"];
const shown = instructionSchema.meta({ id: "Instruction" });
const base = { tags, security: secured };
const one = { params: idParams("instruction") };

const create = createRoute({
  ...base,
  method: "post",
  path: "/v1/instructions",
  operationId: "createInstruction",
  parameters: jobHeaders,
  summary: "Learn an edit from before/after pairs",
  request: jsonBody(createInstructionSchema, {
    pairs: [{ before: exampleId("upload", 1), after: exampleId("upload", 2) }],
    name: "watercolor",
  }),
  responses: {
    200: json(quoteSchema, "A dry run"),
    201: json(shown, "The instruction, which ended during `Prefer: wait`"),
    202: json(shown, "Accepted"),
    ...orProblem,
  },
});
const importFile = createRoute({
  ...base,
  method: "post",
  path: "/v1/instructions/import",
  operationId: "importInstruction",
  parameters: jobHeaders,
  summary: "Import a .visii file",
  request: jsonBody(importInstructionSchema, { upload: exampleId("upload") }),
  responses: {
    200: json(quoteSchema, "A dry run"),
    201: json(shown, "The instruction, which ended during `Prefer: wait`"),
    202: json(shown, "Accepted"),
    ...orProblem,
  },
});
const list = createRoute({
  ...base,
  method: "get",
  path: "/v1/instructions",
  operationId: "listInstructions",
  summary: "List instructions, newest first",
  request: { query: jobsQuerySchema },
  responses: { 200: json(pageOf(shown).meta({ id: "InstructionPage" }), "A page"), ...orProblem },
});
const get = createRoute({
  ...base,
  method: "get",
  path: "/v1/instructions/{id}",
  operationId: "getInstruction",
  parameters: [preferHeader],
  summary: "Get an instruction",
  request: one,
  responses: { 200: json(shown, "The instruction"), ...orProblem },
});
const patch = createRoute({
  ...base,
  method: "patch",
  path: "/v1/instructions/{id}",
  operationId: "updateInstruction",
  summary: "Change an instruction's name or metadata",
  request: { ...one, ...jsonBody(patchInstructionSchema, { name: "watercolor" }) },
  responses: { 200: json(shown, "The instruction"), ...orProblem },
});
const remove = createRoute({
  ...base,
  method: "delete",
  path: "/v1/instructions/{id}",
  operationId: "deleteInstruction",
  summary: "Delete an instruction and its files",
  request: one,
  responses: { 204: { description: "Deleted" }, ...orProblem },
});
const cancel = createRoute({
  ...base,
  method: "post",
  path: "/v1/instructions/{id}/cancel",
  operationId: "cancelInstruction",
  summary: "Cancel learning",
  request: one,
  responses: { 200: json(shown, "The instruction"), ...orProblem },
});

export function addInstructionRoutes(app: OpenAPIHono<EdgeEnv>, edge: Edge): void {
  const { jobs } = edge;

  app.openapi(create, async (context) => {
    const request = context.req.valid("json");
    const ids = request.pairs.flatMap(({ before, after }) => [before, after]);
    await requireUploads(edge, context.get("account"), ids);
    const cost = learningCost(request.steps);
    if (isDryRun(context)) return context.json(await quote(edge, context, cost), 200);
    const job = await submitJob(edge, context, { kind: "learn", ...request }, { queue: "learning", cost });
    const now = await waitForJob(edge, context, job);
    const instruction = await presentInstruction(edge, now, false);
    context.header("Location", instruction.urls.self);
    return context.json(instruction, isTerminal(now.status) ? 201 : 202);
  });

  app.openapi(importFile, async (context) => {
    const request = context.req.valid("json");
    await requireUploads(edge, context.get("account"), [request.upload], [instructionType]);
    const cost = prices.importedFile;
    if (isDryRun(context)) return context.json(await quote(edge, context, cost), 200);
    await useQuota(edge, context.get("account"), "imports", 1);
    const job = await submitJob(
      edge,
      context,
      { kind: "import", ...request },
      { queue: "interactive", cost },
    );
    const now = await waitForJob(edge, context, job);
    const instruction = await presentInstruction(edge, now, false);
    context.header("Location", instruction.urls.self);
    return context.json(instruction, isTerminal(now.status) ? 201 : 202);
  });

  app.openapi(list, async (context) => {
    const { status, ...query } = context.req.valid("query");
    const page = await listJobs(
      edge,
      context.get("account"),
      "ins#",
      query,
      (job) => status === undefined || job.status === status,
    );
    const data = await Promise.all(page.jobs.map((job) => presentInstruction(edge, job, false)));
    return context.json({ data, ...(page.next ? { next_cursor: page.next } : {}) }, 200);
  });

  app.openapi(get, async (context) => {
    const job = await requireJob(edge, context, context.req.valid("param").id);
    const now = await waitForJob(edge, context, job);
    return context.json(await presentInstruction(edge, now, true), 200);
  });

  app.openapi(patch, async (context) => {
    const { name, metadata } = context.req.valid("json");
    const job = await requireJob(edge, context, context.req.valid("param").id);
    // A running job's due time and lease must not change.
    if (!isTerminal(job.status))
      throw refuse("not_ready", `Instruction ${job.id} is ${job.status}; change it when it has ended.`);
    const now = await jobs.change(job.account, job.id, (row) =>
      row.request.kind === "edit"
        ? undefined
        : {
            // A row that is not concluded yet stays due.
            ...(row.concluded || row.finished_at === undefined ? {} : { due: row.finished_at }),
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

  app.openapi(remove, async (context) => {
    const job = await requireJob(edge, context, context.req.valid("param").id);
    if (!isTerminal(job.status))
      throw refuse("not_ready", `Instruction ${job.id} is ${job.status}; cancel it first.`);
    await deleteJob(edge, job);
    return context.body(null, 204);
  });

  app.openapi(cancel, async (context) => {
    const job = await requireJob(edge, context, context.req.valid("param").id);
    const now = await cancelJob(edge, job);
    return context.json(await presentInstruction(edge, now, false), 200);
  });

  addEventRoute(app, edge, "instructions");
}
