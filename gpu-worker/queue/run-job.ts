import { ProcessKilled, RetryableError, VisibleError } from "../../shared/errors.ts";
import { jobMessageSchema, type Measured, type Run } from "../../shared/jobs/job.ts";
import { messageOf, type RunEnd, type RunStore } from "../../shared/jobs/run-store.ts";
import { parseJson } from "../../shared/json.ts";
import { metrics } from "../../shared/metrics.ts";
import type { ReceivedMessage } from "../../shared/ports/job-queue.ts";
import { backoffSeconds } from "../../shared/queue-timing.ts";
import { isTerminal } from "../../shared/resources/fields.ts";
import { traceFacts } from "../../shared/trace.ts";
import type { Acknowledgement } from "./consume.ts";
import { MessageLost, WorkerStopping } from "./held-message.ts";
import { JobCanceled, LeaseLost, type RunJobPorts } from "./job-ports.ts";
import { JobReporter, type WorkFacts } from "./job-reporter.ts";

/** Result of the work. */
export interface WorkDone extends Pick<Run, "results"> {
  readonly measured: Measured;
  readonly caption?: string;
  readonly text_guidance?: number;
  readonly warnings?: readonly string[];
}

/** The computation, which is independent of this folder. It rejects with `signal.reason` on abort. */
export type Work = (
  job: Run,
  hooks: { readonly signal: AbortSignal; report(facts: WorkFacts): void },
) => Promise<WorkDone>;

/** Creates a message handler that claims the message's job, runs `work`, ends the job and has it settled. */
export function createJobHandler(ports: RunJobPorts, work: Work) {
  return async (message: ReceivedMessage, signal: AbortSignal): Promise<Acknowledgement> => {
    const { runs, log, random } = ports;
    const parsed = jobMessageSchema.safeParse(parseJson(message.body));
    // SQS moves an unknown message to the dead-letter queue, where it can be inspected.
    if (!parsed.success) return { retryAfter: 0 };
    const { account, job: id } = parsed.data;
    const owner = Buffer.from(random(9)).toString("base64url");
    const job = await runs.claim(account, id, owner);
    // It was settled or deleted.
    if (job === undefined) return "done";
    // If the other worker crashes, the sweeper queues the job again. Retrying would use up this message's
    // deliveries.
    if (job === "taken") return "done";
    if (job === "over") {
      const ended = await runs.get(account, id);
      if (ended) await requestSettlement(ports, ended);
      return "done";
    }
    log.info("a job started", {
      job: id,
      ...traceFacts(job.trace),
      kind: job.request.kind,
      attempt: job.attempt,
    });
    return run(ports, work, job, owner, message.receiveCount, signal);
  };
}

/** Reads a message's batch key from its job's row; undefined if the job cannot be batched. */
export function createBatchKey(runs: RunStore, keyOf: (job: Run) => string | undefined) {
  return async (message: ReceivedMessage): Promise<string | undefined> => {
    const parsed = jobMessageSchema.safeParse(parseJson(message.body));
    const job = parsed.success ? await runs.get(parsed.data.account, parsed.data.job) : undefined;
    return job?.status === "queued" && !job.cancel_requested ? keyOf(job) : undefined;
  };
}

async function run(
  ports: RunJobPorts,
  work: Work,
  job: Run,
  owner: string,
  receiveCount: number,
  stopping: AbortSignal,
): Promise<Acknowledgement> {
  const { runs, log, clock, random } = ports;
  const reporter = new JobReporter(ports, job, owner);
  const signal = AbortSignal.any([stopping, reporter.signal]);
  const started = clock.now();
  const logEnd = ({ status, error, measured }: RunEnd): void => {
    const seconds = (clock.now() - started) / 1000;
    const waited = (started - Date.parse(job.created_at)) / 1000;
    const steps = measured?.steps ?? 0;
    log.info("a job ended", {
      job: job.id,
      ...traceFacts(job.trace),
      ...metrics(
        {
          JobSeconds: [seconds, "Seconds"],
          WaitSeconds: [waited, "Seconds"],
          Jobs: [1, "Count"],
          ...(steps && seconds ? { StepsPerSecond: [steps / seconds, "Count/Second"] } : {}),
        },
        { Kind: job.request.kind, Status: status, Failure: error?.code ?? "none" },
        clock.now(),
        status === "canceled" ? {} : { JobFailed: [status === "failed" ? 1 : 0, "Count"] },
      ),
    });
  };
  let end: RunEnd;
  try {
    if (job.cancel_requested) throw new JobCanceled("canceled");
    const done = await work(job, { signal, report: (facts) => reporter.report(facts) });
    const { warnings, ...made } = done;
    end = {
      ...made,
      status: "succeeded",
      ...(warnings?.length ? { warnings: [...warnings] } : {}),
    };
  } catch (error) {
    await reporter.close();
    if (error instanceof LeaseLost || error instanceof MessageLost) return "abandon";
    if (error instanceof WorkerStopping) {
      const released = await runs.release(job, owner);
      // A new message is sent, because stopping the worker must not count as a failed delivery.
      if (released?.status === "queued") await runs.enqueue(released);
      return "done";
    }
    if (!(error instanceof JobCanceled) && !(error instanceof VisibleError)) {
      log.error("an attempt failed", { job: job.id, ...traceFacts(job.trace), attempt: job.attempt, error });
      const reason = error instanceof RetryableError ? error.message : "of an internal error";
      const failed = await runs.fail(job, owner, { reason, killed: error instanceof ProcessKilled });
      if (failed && isTerminal(failed.status)) {
        await requestSettlement(ports, failed);
        logEnd(failed);
        return "done";
      }
      const [jitter = 0] = random(1);
      return { retryAfter: backoffSeconds(receiveCount, jitter / 256, runs.timing) };
    }
    end =
      error instanceof VisibleError
        ? { status: "failed", error: { code: error.code, message: error.message } }
        : { status: "canceled" };
  }
  await reporter.close();
  const ended = await runs.end(job, end, { attempt: job.attempt, owner });
  if (!ended) return "done";
  if (!isTerminal(ended.status)) return "abandon";
  await requestSettlement(ports, ended);
  logEnd(ended);
  return "done";
}

/** Requests the settlement of an ended job. If it fails, the run stays due and the sweeper settles it. */
async function requestSettlement({ settlements, log }: RunJobPorts, run: Run): Promise<void> {
  try {
    await settlements.send(JSON.stringify(messageOf(run)));
  } catch (error) {
    log.error("the settlement of a job could not be requested", { job: run.id, error });
  }
}
