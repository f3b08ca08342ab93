import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { type SSEStreamingApi, streamSSE } from "hono/streaming";
import { defined } from "../../shared/defined.ts";
import type { Job } from "../../shared/jobs/job.ts";
import {
  firstEvent,
  isEventId,
  lastEventId,
  type NumberedEvent,
  readEvents,
} from "../../shared/jobs/job-events.ts";
import { jobEventSchema } from "../../shared/resources/event.ts";
import { isTerminal } from "../../shared/resources/fields.ts";
import { deleteJob } from "../delete-job.ts";
import type { Edge, EdgeEnv } from "../edge.ts";
import { refuse } from "../problem-responses.ts";
import { settle } from "../settlement/settle.ts";
import { lastEventIdHeader } from "./request-headers.ts";
import { idParams, orProblem, secured } from "./route-parts.ts";

const shown = jobEventSchema.meta({ id: "JobEvent" });

/** Milliseconds between comments that keep routers from closing an idle stream. */
const heartbeat = 10_000;

/** Cancels a job: a queued one immediately, a running one between two steps. */
export async function cancelJob(edge: Edge, job: Job): Promise<Job> {
  const { account, id } = job;
  const { runs } = edge.jobs;
  const asked = await runs.change(account, id, (run) =>
    run.status === "running"
      ? { run: { ...run, cancel_requested: true }, due: run.lease?.until ?? run.created_at }
      : undefined,
  );
  if (asked?.status === "queued") {
    const ended = await runs.end(job, { status: "canceled" }, { attempt: asked.attempt });
    // A worker has claimed the job in the meantime.
    if (ended?.status === "running") return cancelJob(edge, job);
  }
  return (await settle(edge, account, id)) ?? job;
}

/** The job, or 404 if it does not exist or belongs to another account. */
export async function requireJob(edge: Edge, context: Context<EdgeEnv>, id: string): Promise<Job> {
  const job = await edge.jobs.get(context.get("account"), id);
  if (!job) throw refuse("not_found", `${id} not found.`);
  return job;
}

/** Deletes a job. @throws VisibleError `not_ready` unless it has ended; `name` starts the message */
export async function deleteEndedJob(edge: Edge, job: Job, name: "Edit" | "Instruction"): Promise<void> {
  if (!isTerminal(job.status))
    throw refuse("not_ready", `${name} ${job.id} is ${job.status}; cancel it first.`);
  await deleteJob(edge, job);
}

/** GET …/{id}/events: the events since `Last-Event-ID`, then live events until the job ends. */
export function addEventRoute(
  app: OpenAPIHono<EdgeEnv>,
  edge: Edge,
  collection: "instructions" | "edits",
): void {
  const kind = collection === "edits" ? "edit" : "instruction";
  const route = createRoute({
    method: "get",
    path: `/v1/${collection}/{id}/events`,
    operationId: kind === "edit" ? "followEdit" : "followInstruction",
    parameters: [lastEventIdHeader],
    tags: ["Events"],
    security: secured,
    summary: `Stream an ${kind}'s events (server-sent events)`,
    request: { params: idParams(kind) },
    responses: {
      200: {
        content: { "text/event-stream": { schema: shown } },
        description: "Server-sent events with a JobEvent as data",
      },
      204: { description: "`Last-Event-ID` is the job's last event" },
      ...orProblem,
    },
  });
  app.openapi(route, async (context) => {
    const job = await requireJob(edge, context, context.req.valid("param").id);
    const given = context.req.header("Last-Event-ID");
    // EventSource reconnects when a stream ends, but not after a 204 (HTML standard).
    if (given === lastEventId) return context.body(null, 204);
    const { clock, settings, table } = edge;
    const release = await edge.connections.take(job.account, settings.longestStream);
    if (!release) {
      context.header("Retry-After", "5");
      throw refuse(
        "too_many_streams",
        `The account has ${settings.heldConnections} open connections, the limit; close one or use webhooks.`,
      );
    }
    const follow = async (stream: SSEStreamingApi) => {
      const gone = new AbortController();
      stream.onAbort(() => gone.abort());
      const until = clock.now() + settings.longestStream * 1000;
      const send = ({ id, event }: NumberedEvent) =>
        stream.writeSSE({ id, event: event.type, data: JSON.stringify(event) });
      let after = given !== undefined && isEventId(given) ? given : undefined;
      let sentAt = clock.now();
      if (after === undefined) {
        await send(firstEvent);
        after = firstEvent.id;
      }
      while (!gone.signal.aborted && clock.now() < until) {
        // Read before the events, so that the events of an ended job are complete.
        const now = (await edge.jobs.get(job.account, job.id)) ?? job;
        const events = await readEvents(table, job.id, after);
        for (const event of events) {
          after = event.id;
          // Only a settled job has ended, whatever its worker says.
          if (event.event.type === "status" && isTerminal(event.event.status)) continue;
          await send(event);
          sentAt = clock.now();
        }
        if (!events.length && isTerminal(now.status)) {
          const { status, error } = now;
          return send({ id: lastEventId, event: { type: "status", status, ...defined({ error }) } });
        }
        if (clock.now() - sentAt > heartbeat) {
          await stream.write(": keep-alive\n\n");
          sentAt = clock.now();
        }
        await clock.sleep(settings.pollInterval, gone.signal);
      }
    };
    return streamSSE(context, (stream) => follow(stream).finally(release));
  });
}
