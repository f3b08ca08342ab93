import { z } from "zod";
import { VisibleError } from "../../shared/errors.ts";
import type { Job } from "../../shared/jobs/job.ts";
import { lifetimes, objectKeys } from "../../shared/object-keys.ts";
import { type InstructionResource, lossPointSchema } from "../../shared/resources/instruction.ts";
import type { Edge } from "../edge.ts";
import { jobUrls } from "./job-urls.ts";

/** What the API shows of a learning job. `full` adds what costs another call: losses and the place in the queue. */
export async function presentInstruction(
  { objects, waitingIn }: Edge,
  origin: string,
  job: Job,
  full: boolean,
): Promise<InstructionResource> {
  const { request } = job;
  if (request.kind === "edit") throw new VisibleError("not_found", `${job.id} is no instruction.`);
  const { account, id, status } = job;
  const done = status === "succeeded";
  const sign = (key: string, saveAs?: string) => objects.presignDownload(key, lifetimes.signedLink, saveAs);
  const losses = full && done ? await readLosses(objects, objectKeys.losses(account, id)) : undefined;
  const ahead = full && status === "queued" ? await waitingIn(job.queue) : undefined;
  return {
    ...{
      id,
      object: "instruction",
      status,
      created_at: job.created_at,
      urls: jobUrls(origin, "instructions", id),
      cost: job.reserved,
    },
    ...(request.name === undefined ? {} : { name: request.name }),
    ...(request.metadata ? { metadata: request.metadata } : {}),
    ...(job.finished_at === undefined ? {} : { finished_at: job.finished_at }),
    ...(job.progress ? { progress: job.progress } : {}),
    ...(ahead === undefined ? {} : { queue_position: ahead }),
    ...(job.has_preview ? { preview_url: await sign(objectKeys.preview(account, id)) } : {}),
    ...(job.has_thumbnail ? { thumbnail_url: await sign(objectKeys.thumbnail(account, id)) } : {}),
    ...(job.has_lut
      ? { lut_url: await sign(objectKeys.lut(account, id), `${request.name ?? id}.cube`) }
      : {}),
    ...(job.text_guidance === undefined ? {} : { text_guidance: job.text_guidance }),
    ...(job.caption === undefined ? {} : { caption: job.caption }),
    ...(job.warnings ? { warnings: job.warnings } : {}),
    ...(done
      ? { file_url: await sign(objectKeys.instruction(account, id), `${request.name ?? id}.visii`) }
      : {}),
    ...(losses ? { losses } : {}),
    ...(job.error ? { error: job.error } : {}),
    ...(job.usage ? { usage: job.usage } : {}),
  };
}

async function readLosses(objects: Edge["objects"], key: string) {
  const bytes = await objects.get(key);
  return bytes && z.array(lossPointSchema).parse(JSON.parse(new TextDecoder().decode(bytes)));
}
