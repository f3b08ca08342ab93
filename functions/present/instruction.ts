import { z } from "zod";
import { defined } from "../../shared/defined.ts";
import { VisibleError } from "../../shared/errors.ts";
import type { Job } from "../../shared/jobs/job.ts";
import { lifetimes, objectKeys } from "../../shared/object-keys.ts";
import { type InstructionResource, lossPointSchema } from "../../shared/resources/instruction.ts";
import type { Edge } from "../edge.ts";
import { jobUrls } from "./job-urls.ts";

/**
 * The API's representation of a learning job. `full` adds fields that require more calls: losses and the
 * queue position.
 */
export async function presentInstruction(edge: Edge, job: Job, full: boolean): Promise<InstructionResource> {
  const { objects, queueDepth } = edge;
  const { request } = job;
  if (request.kind === "edit") throw new VisibleError("not_found", `Instruction ${job.id} not found.`);
  const { account, id, status } = job;
  const done = status === "succeeded";
  const sign = (key: string, saveAs?: string) => objects.presignDownload(key, lifetimes.signedLink, saveAs);
  const losses = full && done ? await readLosses(objects, objectKeys.losses(account, id)) : undefined;
  const ahead = full && status === "queued" ? await queueDepth(job.queue) : undefined;
  return {
    id,
    object: "instruction",
    status,
    created_at: job.created_at,
    urls: jobUrls(edge, "instructions", id),
    cost: job.reserved,
    ...defined({
      name: request.name,
      metadata: request.metadata,
      finished_at: job.finished_at,
      progress: job.progress,
      queue_position: ahead,
    }),
    ...(job.has_preview ? { preview_url: await sign(objectKeys.preview(account, id)) } : {}),
    ...(job.has_thumbnail ? { thumbnail_url: await sign(objectKeys.thumbnail(account, id)) } : {}),
    ...(job.has_lut
      ? { lut_url: await sign(objectKeys.lut(account, id), `${request.name ?? id}.cube`) }
      : {}),
    ...defined({ text_guidance: job.text_guidance, caption: job.caption, warnings: job.warnings }),
    ...(done
      ? { file_url: await sign(objectKeys.instruction(account, id), `${request.name ?? id}.visii`) }
      : {}),
    ...defined({ losses, error: job.error, usage: job.usage }),
  };
}

async function readLosses(objects: Edge["objects"], key: string) {
  const bytes = await objects.get(key);
  return bytes && z.array(lossPointSchema).parse(JSON.parse(new TextDecoder().decode(bytes)));
}
