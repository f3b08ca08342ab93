import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { type SSEStreamingApi, streamSSE } from "hono/streaming";
import { defined } from "../../shared/defined.ts";
import { conclude } from "../../shared/jobs/conclude.ts";
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
import type { Edge, EdgeEnv } from "../edge.ts";
import { refuse } from "../problem-answers.ts";
import { lastEventIdHeader } from "./request-headers.ts";
import { idParams, orProblem, secured } from "./route-parts.ts";

const told = jobEventSchema.meta({ id: "JobEvent" });

/** Milliseconds between comments that keep routers from closing a quiet stream. */
const heartbeat = 10_000;

/** Cancels a job: a waiting one at once, a running one between two of its steps. */
export async function cancelJob(edge: Edge, job: Job): Promise<Job> {
  const asked = await edge.jobs.change(job.account, job.id, (row) =>
    row.status === "running"
      ? { job: { ...row, cancel_requested: true }, due: row.lease?.until ?? row.created_at }
      : undefined,
  );
  if (asked?.status !== "queued") return asked ?? job;
  const ended = (await edge.jobs.end(job, { status: "canceled" }, asked.attempt)) ?? asked;
  // A worker was faster between the two: ask it.
  if (ended.status === "running") return cancelJob(edge, ended);
  await conclude(edge, ended);
  return ended;
}

/** The account's own job, or 404: another's job is not even said to exist. */
export async function requireJob(edge: Edge, context: Context<EdgeEnv>, id: string): Promise<Job> {
  const job = await edge.jobs.get(context.get("account"), id);
  if (!job) throw refuse("not_found", `There is no ${id}.`);
  return job;
}

/** GET …/{id}/events: what has happened since `Last-Event-ID`, then what happens, until the job's end. */
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
    summary: "Follow it live (server-sent events)",
    request: { params: idParams(kind) },
    responses: {
      200: {
        content: { "text/event-stream": { schema: told } },
        description: "Events; each has one as its data",
      },
      204: { description: "`Last-Event-ID` is the job's last event; there are no more" },
      ...orProblem,
    },
  });
  app.openapi(route, async (context) => {
    const job = await requireJob(edge, context, context.req.valid("param").id);
    const given = context.req.header("Last-Event-ID");
    // A browser's EventSource reconnects after every end of a stream; 204 is how HTML tells it to stop.
    if (given === lastEventId) return context.body(null, 204);
    const { clock, settings, table } = edge;
    const release = await edge.held.take(job.account, settings.longestStream);
    if (!release) {
      context.header("Retry-After", "5");
      throw refuse(
        "too_many_streams",
        `The account holds ${settings.heldConnections} connections open, its limit; close one, or use webhooks.`,
      );
    }
    const follow = async (stream: SSEStreamingApi) => {
      const gone = new AbortController();
      stream.onAbort(() => gone.abort());
      const until = clock.now() + settings.longestStream * 1000;
      const tell = ({ id, event }: NumberedEvent) =>
        stream.writeSSE({ id, event: event.type, data: JSON.stringify(event) });
      let after = given !== undefined && isEventId(given) ? given : undefined;
      let spoke = clock.now();
      if (after === undefined) {
        await tell(firstEvent);
        after = firstEvent.id;
      }
      while (!gone.signal.aborted && clock.now() < until) {
        const events = await readEvents(table, job.id, after);
        for (const event of events) {
          await tell(event);
          after = event.id;
          spoke = clock.now();
        }
        if (after === lastEventId) return;
        // The end was told before the events' own lifetime, or they are gone: say it from the row.
        const now = events.length ? job : ((await edge.jobs.get(job.account, job.id)) ?? job);
        if (!events.length && isTerminal(now.status) && now.concluded) {
          const { status, error } = now;
          return tell({ id: lastEventId, event: { type: "status", status, ...defined({ error }) } });
        }
        if (clock.now() - spoke > heartbeat) {
          await stream.write(": still here\n\n");
          spoke = clock.now();
        }
        await clock.sleep(settings.pollInterval, gone.signal);
      }
    };
    return streamSSE(context, (stream) => follow(stream).finally(release));
  });
}
