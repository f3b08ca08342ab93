import { defined } from "../../shared/defined.ts";
import { VisibleError } from "../../shared/errors.ts";
import { type Job, resultsGoAt } from "../../shared/jobs/job.ts";
import { lifetimes } from "../../shared/object-keys.ts";
import { toIso } from "../../shared/ports/clock.ts";
import type { EditResource } from "../../shared/resources/edit.ts";
import type { Edge } from "../edge.ts";
import { jobUrls } from "./job-urls.ts";

/**
 * Returns true from the expiry time on, even before the sweeper deletes the results.
 *
 * @param now milliseconds since 1970
 */
export function isExpired(job: Job, now: number): boolean {
  const goAt = resultsGoAt(job);
  return job.expired === true || (goAt !== undefined && goAt <= toIso(now));
}

/** The API's representation of an edit, with newly signed URLs. */
export async function presentEdit(edge: Edge, job: Job, full: boolean): Promise<EditResource> {
  const { objects, clock, queueDepth } = edge;
  const { request, id, status } = job;
  if (request.kind !== "edit") throw new VisibleError("not_found", `Edit ${id} not found.`);
  const expires = toIso(clock.now() + lifetimes.signedLink * 1000);
  const goAt = resultsGoAt(job);
  const expired = isExpired(job, clock.now());
  const kept = expired ? [] : job.results;
  const results = await Promise.all(
    kept.map(async ({ input, key, width, height }) => ({
      input,
      width,
      height,
      expires_at: expires,
      url: await objects.presignDownload(key, lifetimes.signedLink),
    })),
  );
  const ahead = full && status === "queued" ? await queueDepth(job.queue) : undefined;
  return {
    id,
    object: "edit",
    status,
    created_at: job.created_at,
    urls: jobUrls(edge, "edits", id),
    results,
    cost: job.reserved,
    ...defined({
      instruction: request.instruction,
      metadata: request.metadata,
      finished_at: job.finished_at,
      results_expire_at: goAt,
    }),
    ...(expired ? { expired: true } : {}),
    ...defined({ progress: job.progress, queue_position: ahead, error: job.error, usage: job.usage }),
  };
}
