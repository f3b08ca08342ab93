import type { Context } from "hono";
import { defined } from "../shared/defined.ts";
import { type Job, type JobRequest, newJob, resourceOfKind } from "../shared/jobs/job.ts";
import { spenderOf } from "../shared/ledger/spending.ts";
import { toIso } from "../shared/ports/clock.ts";
import type { QueueName } from "../shared/queue-timing.ts";
import { storageLimit } from "../shared/totals.ts";
import type { Edge, EdgeEnv } from "./edge.ts";
import { refuse } from "./problem-responses.ts";
import { requireAllowedWebhook } from "./webhook-url.ts";

interface Submission {
  readonly queue: QueueName;
  /** Credits to reserve. */
  readonly cost: number;
  /** Bytes to reserve for its results. */
  readonly resultBytes?: number;
}

/**
 * Accepts a job: reserves its credits and stores it in one transaction, then queues it. If the process
 * crashes in between, the sweeper or a retry of the request, which has the same IDs, queues the job.
 *
 * @throws VisibleError `insufficient_credit`, `spend_limit_reached`, `too_many_jobs`, `storage_full` or
 * `forbidden_url`
 */
export async function submitJob(
  edge: Edge,
  context: Context<EdgeEnv>,
  request: JobRequest,
  { queue, cost, resultBytes }: Submission,
): Promise<Job> {
  const { jobs, ledger, clock } = edge;
  requireAllowedWebhook(edge, request.webhook);
  const account = context.get("account");
  const id = context.get("newId")(resourceOfKind[request.kind]);
  const cancelAfter = cancelAfterSeconds(context.req.header("Cancel-After"));
  const known = context.get("resumed") ? await jobs.get(account, id) : undefined;
  if (known) return known;
  const owner = await edge.accountOf(account);
  const now = clock.now();
  const job = newJob({
    id,
    account,
    request,
    queue,
    reserved: cost,
    created_at: toIso(now),
    trace: context.get("trace"),
    ...(owner?.result_days === undefined ? {} : { keep_results: owner.result_days * 24 * 3600 }),
    ...defined({ reserved_bytes: resultBytes }),
    ...(cancelAfter === undefined ? {} : { cancel_at: toIso(now + cancelAfter * 1000) }),
  });
  const limit = { class: "interactive", max: owner?.concurrency ?? Number.MAX_SAFE_INTEGER } as const;
  const spender = spenderOf(context.get("key"), now);
  const storage = resultBytes === undefined ? undefined : { bytes: resultBytes, limit: storageLimit(owner) };
  await ledger.reserve(account, id, cost, limit, jobs.newRows(job), spender, storage);
  await jobs.runs.enqueue(job);
  return job;
}

/** `Cancel-After: 90`, `90s`, `15m` or `2h`. */
function cancelAfterSeconds(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const [, number, unit = "s"] = /^(\d{1,6})([smh]?)$/.exec(header) ?? [];
  const seconds = Number(number) * ({ s: 1, m: 60, h: 3600 }[unit || "s"] ?? Number.NaN);
  if (!(seconds >= 5 && seconds <= 86_400))
    throw refuse(
      "invalid_request",
      `Cancel-After ${header} is invalid; use 5 seconds to 24 hours, such as 90s, 15m or 2h.`,
    );
  return seconds;
}
