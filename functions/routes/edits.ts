import type { OpenAPIHono } from "@hono/zod-openapi";
import { idSchema } from "../../shared/ids.ts";
import { fitsPhoto } from "../../shared/mask-shape.ts";
import { editingCost } from "../../shared/prices.ts";
import { createEditSchema, editSchema } from "../../shared/resources/edit.ts";
import { jobsQuerySchema } from "../../shared/resources/fields.ts";
import type { Upload } from "../../shared/resources/upload.ts";
import { maxResultBytes } from "../../shared/result-size.ts";
import type { Edge, EdgeEnv } from "../edge.ts";
import { presentEdit } from "../present/edit.ts";
import { refuse } from "../problem-responses.ts";
import { submitJob } from "../submit-job.ts";
import { pixelsOf, requireUploads } from "../uploads.ts";
import { waitForJob } from "../wait-for-job.ts";
import { addEventRoute, cancelJob, deleteEndedJob, requireJob } from "./job-actions.ts";
import { listJobs } from "./job-lists.ts";
import { jobRoutes } from "./job-routes.ts";
import { exampleId, jsonBody } from "./route-parts.ts";

/** Adds the routes of edits. */
export function addEditRoutes(app: OpenAPIHono<EdgeEnv>, edge: Edge): void {
  const routes = jobRoutes(app, edge, "edits", editSchema.meta({ id: "Edit" }), {
    find: (context, id) => requireJob(edge, context, id),
    present: (job, full) => presentEdit(edge, job, full),
    wait: (context, job) => waitForJob(edge, context, job),
  });

  routes.create({
    summary: "Edit images with an instruction, a text prompt, or both",
    body: jsonBody(createEditSchema, { text: "make it a watercolor", images: [exampleId("upload")] }),
    async plan(context, request) {
      const account = context.get("account");
      const [uploads] = await Promise.all([
        requireUploads(edge, account, [
          ...request.images,
          ...(request.mask === undefined ? [] : [request.mask]),
        ]),
        request.instruction !== undefined && requireInstruction(edge, account, request.instruction),
      ]);
      requireMaskShape(request, uploads);
      const images = request.images.flatMap((id) => uploads.get(id) ?? []);
      const cost = images.reduce((sum, image) => sum + editingCost(request, pixelsOf(image)), 0);
      const resultBytes = images.reduce((sum, image) => sum + maxResultBytes(request, image), 0);
      return {
        cost: () => cost,
        submit: () =>
          submitJob(edge, context, { kind: "edit", ...request }, { queue: "interactive", cost, resultBytes }),
      };
    },
  });

  routes.list({
    query: jobsQuerySchema.extend({
      batch: idSchema("batch")
        .optional()
        .describe("Return only edits of this batch. Without it, edits of batches are omitted."),
    }),
    page: (context, { status, batch, ...query }) =>
      listJobs(
        edge,
        context.get("account"),
        "edt#",
        query,
        (job) => job.batch?.id === batch && (status === undefined || job.status === status),
      ),
  });

  routes.get("Get an edit and its results");

  routes.delete({ summary: "Delete an edit and its results" }, async (context, id) =>
    deleteEndedJob(edge, await requireJob(edge, context, id), "Edit"),
  );

  routes.action("cancel", "Cancel an edit; its results so far are kept", async (context, id) =>
    cancelJob(edge, await requireJob(edge, context, id)),
  );

  addEventRoute(app, edge, "edits");
}

/**
 * @throws VisibleError `not_found` or `not_ready`, unless the account has the instruction and it has
 * succeeded
 */
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
