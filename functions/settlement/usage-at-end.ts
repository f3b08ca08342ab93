import type { Job } from "../../shared/jobs/job.ts";
import { workCost } from "../../shared/prices.ts";
import type { Usage } from "../../shared/resources/fields.ts";

/**
 * The usage that a job is charged for: its stored results and the steps of its last attempt. A failure
 * without a result is free. The charge never exceeds the reservation. Undefined if nothing is charged.
 */
export function usageAtEnd({ status, request, results, measured, reserved }: Job): Usage | undefined {
  if (status === "failed" && !results.length) return undefined;
  if (status !== "succeeded" && !measured && !results.length) return undefined;
  const work = {
    compute_seconds: measured?.compute_seconds ?? 0,
    steps: measured?.steps ?? 0,
    images: results.length,
    pixels: results.reduce((sum, { width, height }) => sum + width * height, 0),
  };
  return { ...work, credits: Math.min(reserved, workCost(work, request.kind)) };
}
