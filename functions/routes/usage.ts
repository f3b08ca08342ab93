import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { toIso } from "../../shared/ports/clock.ts";
import {
  type UsageReport,
  usageQuerySchema,
  usageReportSchema,
} from "../../shared/resources/usage-report.ts";
import type { Edge, EdgeEnv } from "../edge.ts";
import { refuse } from "../problem-responses.ts";
import { json, orProblem, secured } from "./route-parts.ts";

const month = 30 * 24 * 3600 * 1000;
const maxRecords = 1000;

const get = createRoute({
  method: "get",
  path: "/v1/usage",
  operationId: "getUsage",
  tags: ["Usage"],
  security: secured,
  summary: "Get a usage report",
  request: { query: usageQuerySchema },
  responses: { 200: json(usageReportSchema.meta({ id: "UsageReport" }), "The report"), ...orProblem },
});

/** Adds the usage report. */
export function addUsageRoutes(app: OpenAPIHono<EdgeEnv>, { ledger, clock, settings }: Edge): void {
  const { reportEntries } = settings;
  app.openapi(get, async (context) => {
    const account = context.get("account");
    const query = context.req.valid("query");
    const end = query.to === undefined ? clock.now() + 1 : Date.parse(query.to);
    const begin = query.from === undefined ? end - month : Date.parse(query.from);
    if (begin >= end) throw refuse("invalid_request", "/from: must be before `to`");
    const [from, to] = [toIso(begin), toIso(end)];
    const [balance, entries] = await Promise.all([
      ledger.balance(account),
      ledger.charges(account, from, to, reportEntries + 1),
    ]);
    // Truncated totals would look complete.
    if (entries.length > reportEntries)
      throw refuse(
        "period_too_long",
        "The period contains too many jobs for one report; request shorter periods.",
      );
    const records = entries.flatMap(({ job, jobs = 1, at, usage }) =>
      job !== undefined && usage ? [{ job, jobs, at, usage }] : [],
    );
    const sum = (pick: (record: (typeof records)[number]) => number) =>
      records.reduce((total, record) => total + pick(record), 0);
    const report: UsageReport = {
      from,
      to,
      balance: balance?.available ?? 0,
      reserved: balance?.reserved ?? 0,
      totals: {
        jobs: sum(({ jobs }) => jobs),
        // Jobs are measured in milliseconds; rounding removes floating-point noise of the sum.
        compute_seconds: Math.round(sum(({ usage }) => usage.compute_seconds) * 1000) / 1000,
        steps: sum(({ usage }) => usage.steps),
        images: sum(({ usage }) => usage.images),
        pixels: sum(({ usage }) => usage.pixels),
        credits: sum(({ usage }) => usage.credits),
      },
      records: records.slice(0, maxRecords),
    };
    return context.json(report, 200);
  });
}
