import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { idSchema } from "../../shared/ids.ts";
import { fitsPhoto } from "../../shared/mask-shape.ts";
import { editingCost } from "../../shared/prices.ts";
import { createEditSchema, editSchema } from "../../shared/resources/edit.ts";
import { isTerminal, jobsQuerySchema, pageOf } from "../../shared/resources/fields.ts";
import type { Upload } from "../../shared/resources/upload.ts";
import { requireStorage, storageLimit } from "../../shared/totals.ts";
import { deleteJob } from "../delete-job.ts";
import type { Edge, EdgeEnv } from "../edge.ts";
import { presentEdit } from "../present/edit.ts";
import { refuse } from "../problem-answers.ts";
import { isDryRun, quote, quoteSchema } from "../quote.ts";
import { submitJob } from "../submit-job.ts";
import { pixelsOf, requireUploads } from "../uploads.ts";
import { waitForJob } from "../wait-for-job.ts";
import { addEventRoute, cancelJob, requireJob } from "./job-actions.ts";
import { listJobs } from "./job-lists.ts";
import { jobHeaders, preferHeader } from "./request-headers.ts";
import { exampleId, idParams, json, jsonBody, orProblem, secured } from "./route-parts.ts";

const tags = ["Edits"];
const shown = editSchema.meta({ id: "Edit" });
const base = { tags, security: secured };
const one = { params: idParams("edit") };

const create = createRoute({
  ...base,
  method: "post",
  path: "/v1/edits",
  operationId: "createEdit",
  parameters: jobHeaders,
  summary: "Edit images with an instruction, a text prompt, or both",
  request: jsonBody(createEditSchema, { text: "make it a watercolor", images: [exampleId("upload")] }),
  responses: {
    200: json(quoteSchema, "A dry run"),
    201: json(shown, "The edit, which ended during `Prefer: wait`"),
    202: json(shown, "Accepted"),
    ...orProblem,
  },
});
const list = createRoute({
  ...base,
  method: "get",
  path: "/v1/edits",
  operationId: "listEdits",
  summary: "List edits, newest first",
  request: {
    query: jobsQuerySchema.extend({
      batch: idSchema("batch")
        .optional()
        .describe("Return only edits of this batch. Without it, edits of batches are omitted."),
    }),
  },
  responses: { 200: json(pageOf(shown).meta({ id: "EditPage" }), "A page"), ...orProblem },
});
const get = createRoute({
  ...base,
  method: "get",
  path: "/v1/edits/{id}",
  operationId: "getEdit",
  parameters: [preferHeader],
  summary: "Get an edit and its results",
  request: one,
  responses: { 200: json(shown, "The edit"), ...orProblem },
});
const remove = createRoute({
  ...base,
  method: "delete",
  path: "/v1/edits/{id}",
  operationId: "deleteEdit",
  summary: "Delete an edit and its results",
  request: one,
  responses: { 204: { description: "Deleted" }, ...orProblem },
});
const cancel = createRoute({
  ...base,
  method: "post",
  path: "/v1/edits/{id}/cancel",
  operationId: "cancelEdit",
  summary: "Cancel an edit; its results so far stay",
  request: one,
  responses: { 200: json(shown, "The edit"), ...orProblem },
});

export function addEditRoutes(app: OpenAPIHono<EdgeEnv>, edge: Edge): void {
  app.openapi(create, async (context) => {
    const request = context.req.valid("json");
    const [uploads] = await Promise.all([
      requireUploads(edge, context.get("account"), [
        ...request.images,
        ...(request.mask === undefined ? [] : [request.mask]),
      ]),
      request.instruction !== undefined &&
        requireInstruction(edge, context.get("account"), request.instruction),
    ]);
    requireMaskShape(request, uploads);
    const cost = request.images.reduce(
      (sum, image) => sum + editingCost(request, pixelsOf(uploads.get(image) ?? {})),
      0,
    );
    if (isDryRun(context)) return context.json(await quote(edge, context, cost), 200);
    const account = context.get("account");
    // Results have no size yet: an edit is accepted as long as the storage is not full.
    requireStorage(await edge.totalsOf(account), storageLimit(await edge.accountOf(account)), 1);
    const job = await submitJob(edge, context, { kind: "edit", ...request }, { queue: "interactive", cost });
    const now = await waitForJob(edge, context, job);
    const edit = await presentEdit(edge, now, false);
    context.header("Location", edit.urls.self);
    return context.json(edit, isTerminal(now.status) ? 201 : 202);
  });

  app.openapi(list, async (context) => {
    const { status, batch, ...query } = context.req.valid("query");
    const page = await listJobs(
      edge,
      context.get("account"),
      "edt#",
      query,
      (job) => job.batch?.id === batch && (status === undefined || job.status === status),
    );
    const data = await Promise.all(page.jobs.map((job) => presentEdit(edge, job, false)));
    return context.json({ data, ...(page.next ? { next_cursor: page.next } : {}) }, 200);
  });

  app.openapi(get, async (context) => {
    const job = await requireJob(edge, context, context.req.valid("param").id);
    const now = await waitForJob(edge, context, job);
    return context.json(await presentEdit(edge, now, true), 200);
  });

  app.openapi(remove, async (context) => {
    const job = await requireJob(edge, context, context.req.valid("param").id);
    if (!isTerminal(job.status))
      throw refuse("not_ready", `Edit ${job.id} is ${job.status}; cancel it first.`);
    await deleteJob(edge, job);
    return context.body(null, 204);
  });

  app.openapi(cancel, async (context) => {
    const job = await requireJob(edge, context, context.req.valid("param").id);
    const now = await cancelJob(edge, job);
    return context.json(await presentEdit(edge, now, false), 200);
  });

  addEventRoute(app, edge, "edits");
}

/** @throws VisibleError unless the instruction belongs to the account and has succeeded */
export async function requireInstruction({ jobs }: Edge, account: string, id: string): Promise<void> {
  const instruction = await jobs.get(account, id);
  if (!instruction) throw refuse("not_found", `Instruction ${id} not found.`);
  if (instruction.status !== "succeeded")
    throw refuse("not_ready", `Instruction ${id} is ${instruction.status}; use one that has succeeded.`);
}

/**
 * An upload's size is that of the stored pixels, before EXIF orientation, so either orientation is accepted
 * here; the worker compares the upright images.
 *
 * @throws VisibleError `invalid_upload`
 */
function requireMaskShape(
  { images, mask }: { readonly images: readonly string[]; readonly mask?: string | undefined },
  uploads: ReadonlyMap<string, Upload>,
): void {
  if (mask === undefined) return;
  const { width = 0, height = 0 } = uploads.get(mask) ?? {};
  for (const image of images) {
    const { width: across = 0, height: down = 0 } = uploads.get(image) ?? {};
    const turned = [
      { width: across, height: down },
      { width: down, height: across },
    ];
    if (turned.some((size) => fitsPhoto({ width, height }, size))) continue;
    throw refuse(
      "invalid_upload",
      `The mask ${mask} is ${width}×${height} and image ${image} is ${across}×${down}; use a mask with the image's aspect ratio.`,
    );
  }
}
