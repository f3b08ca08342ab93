import type { OpenAPIHono } from "@hono/zod-openapi";
import { defined } from "../../shared/defined.ts";
import { spenderOf } from "../../shared/ledger/spending.ts";
import { toIso } from "../../shared/ports/clock.ts";
import type { NewRow, Write } from "../../shared/ports/table.ts";
import { editingCost } from "../../shared/prices.ts";
import {
  type BatchResource,
  batchSchema,
  createBatchSchema,
  type StoredBatch,
  storedBatchSchema,
} from "../../shared/resources/batch.ts";
import { pageQuerySchema } from "../../shared/resources/fields.ts";
import { manifestType } from "../../shared/resources/upload.ts";
import { parseRow, rowKeys, updateRow } from "../../shared/rows.ts";
import { addSchedule, maxSchedules, readTotals, removeSchedule } from "../../shared/totals.ts";
import { newBatch } from "../batches/new-batch.ts";
import { nextRun, requireMinimumGap } from "../batches/next-run.ts";
import type { Edge, EdgeEnv } from "../edge.ts";
import { jobUrls } from "../present/job-urls.ts";
import { refuse } from "../problem-responses.ts";
import { pixelsOf, requireUploads } from "../uploads.ts";
import { requireAllowedWebhook } from "../webhook-url.ts";
import { requireInstruction } from "./edits.ts";
import { jobRoutes } from "./job-routes.ts";
import { decodeCursor, encodeCursor, exampleId, jsonBody } from "./route-parts.ts";

/** Actions on a batch, and the statuses from which they are possible. */
const actions = {
  cancel: {
    summary: "Cancel a batch or a schedule; finished edits are kept",
    from: ["scheduled", "paused", "queued", "running"],
  },
  pause: { summary: "Pause a schedule", from: ["scheduled"] },
  resume: { summary: "Resume a paused schedule", from: ["paused"] },
} as const;

/** Adds the routes of batches and schedules. */
export function addBatchRoutes(app: OpenAPIHono<EdgeEnv>, edge: Edge): void {
  const { table, clock } = edge;

  const present = (batch: StoredBatch): BatchResource => {
    const { id, status, request } = batch;
    const { self, cancel } = jobUrls(edge, "batches", id);
    return {
      id,
      object: "batch",
      status,
      instruction: request.instruction,
      created_at: batch.created_at,
      urls: { self, cancel },
      ...(request.schedule ? { schedule: request.schedule } : { counts: batch.counts }),
      ...defined({
        name: request.name,
        metadata: request.metadata,
        finished_at: batch.finished_at,
        schedule_of: batch.schedule_of,
        next_run_at: batch.next_run_at,
        error: batch.error,
      }),
      ...(batch.settled > 0 ? { output_url: `${self}/output`, errors_url: `${self}/errors` } : {}),
    };
  };

  const routes = jobRoutes(app, edge, "batches", batchSchema.meta({ id: "Batch" }), {
    find: (context, id) => requireBatch(edge, context.get("account"), id),
    present,
  });

  /** @throws VisibleError `too_many_schedules` */
  async function insertSchedule(row: NewRow): Promise<void> {
    const account = row.pk;
    while ((await table.transact([{ insert: row }, addSchedule(account)])) === "conflict") {
      // An earlier attempt of the request created it.
      if (await table.get(row)) return;
      if ((await readTotals(table, account)).schedules >= maxSchedules)
        throw refuse(
          "too_many_schedules",
          `The account has ${maxSchedules} schedules, the limit; cancel one that is no longer needed.`,
        );
    }
  }

  routes.create({
    summary: "Edit many images with one instruction, now or on a schedule",
    body: jsonBody(createBatchSchema, {
      instruction: exampleId("instruction"),
      images: [exampleId("upload")],
    }),
    async plan(context, request) {
      const account = context.get("account");
      const { images, manifest, schedule, webhook } = request;
      requireAllowedWebhook(edge, webhook);
      await requireInstruction(edge, account, request.instruction);
      const uploads = images && (await requireUploads(edge, account, images));
      if (manifest !== undefined) await requireUploads(edge, account, [manifest], [manifestType]);
      return {
        cost() {
          if (!images || !uploads)
            throw refuse(
              "invalid_request",
              "A dry run requires `images`; the cost of other batches is known only after their lines are read.",
            );
          const size = { ...request.options, instruction: request.instruction };
          return images.reduce(
            (sum, image) => sum + editingCost(size, pixelsOf(uploads.get(image) ?? {})),
            0,
          );
        },
        async submit() {
          const owner = await edge.accountOf(account);
          const now = clock.now();
          if (schedule) requireMinimumGap(schedule);
          const next = schedule && nextRun(schedule, now);
          if (schedule && next === undefined)
            throw refuse("invalid_request", "/schedule: the time has passed; choose a later one");
          const { upload_prefix } = request;
          const totals = upload_prefix === undefined ? undefined : await readTotals(table, account);
          const positions = totals && { after: schedule ? totals.named : 0, until: totals.named };
          const batch = newBatch({
            id: context.get("newId")("batch"),
            account,
            request,
            created_at: toIso(now),
            status: schedule ? "scheduled" : "queued",
            ...(next === undefined ? {} : { next_run_at: toIso(next) }),
            ...(owner?.result_days === undefined ? {} : { keep_results: owner.result_days * 24 * 3600 }),
            ...defined({ spender: spenderOf(context.get("key"), now), uploads: positions }),
          });
          const row = { ...rowKeys.resource(account, batch.id), data: batch, due: toIso(next ?? now) };
          if (schedule) await insertSchedule(row);
          else await table.insert(row);
          return batch;
        },
      };
    },
  });

  routes.list({
    query: pageQuerySchema,
    async page(context, { limit, cursor }) {
      const after = cursor === undefined ? undefined : decodeCursor(cursor);
      if (after !== undefined && !/^bat#\w{1,40}$/.test(after))
        throw refuse("invalid_cursor", "The cursor is invalid; use a `next_cursor` of this list.");
      const rows = await table.query(context.get("account"), {
        prefix: "bat#",
        limit,
        newestFirst: true,
        ...defined({ after }),
      });
      const batches = rows.map((row) => parseRow(storedBatchSchema, row).data);
      const last = rows.length === limit ? rows.at(-1) : undefined;
      const items = batches.filter(({ erased }) => erased === undefined);
      return { items, next: last && encodeCursor(last.sk) };
    },
  });

  routes.get("Get a batch");

  routes.delete(
    {
      summary: "Delete a batch that has ended, with its edits, results and output",
      description: "Deleted; the edits of a large batch are erased within minutes",
    },
    async (context, id) => {
      const now = toIso(clock.now());
      const account = context.get("account");
      const key = rowKeys.resource(account, id);
      const stored = await updateRow(table, key, storedBatchSchema, (batch) => {
        if (batch.erased !== undefined) throw refuse("not_found", `Batch ${id} not found.`);
        if (batch.status === "queued" || batch.status === "running")
          throw refuse(
            "not_ready",
            `Batch ${id} is ${batch.status}; cancel it, and delete it when it has ended.`,
          );
        return {
          data: { ...batch, erased: 0 },
          due: now,
          also: isOpenSchedule(batch) ? [removeSchedule(account)] : [],
        };
      });
      if (!stored) throw refuse("not_found", `Batch ${id} not found.`);
    },
  );

  for (const [action, { summary, from }] of Object.entries(actions))
    routes.action(action, summary, async (context, id) => {
      const key = rowKeys.resource(context.get("account"), id);
      const now = clock.now();
      const stored = await updateRow(table, key, storedBatchSchema, (batch) =>
        batch.erased === undefined && (from as readonly string[]).includes(batch.status)
          ? act(action as keyof typeof actions, batch, now)
          : undefined,
      );
      if (!stored || stored.data.erased !== undefined) throw refuse("not_found", `Batch ${id} not found.`);
      return stored.data;
    });
}

/** The batch, if it belongs to the account and is not deleted. @throws VisibleError `not_found` */
export async function requireBatch({ table }: Edge, account: string, id: string): Promise<StoredBatch> {
  const row = await table.get(rowKeys.resource(account, id));
  const batch = row && parseRow(storedBatchSchema, row).data;
  if (!batch || batch.erased !== undefined) throw refuse("not_found", `Batch ${id} not found.`);
  return batch;
}

const isOpenSchedule = ({ status }: StoredBatch): boolean => status === "scheduled" || status === "paused";

function act(
  action: keyof typeof actions,
  batch: StoredBatch,
  now: number,
): { data: StoredBatch; due?: string; also?: Write[] } {
  const { next_run_at: _, ...rest } = batch;
  const ended = isOpenSchedule(batch) ? { also: [removeSchedule(batch.account)] } : {};
  if (action === "pause") return { data: { ...rest, status: "paused" } };
  if (action === "resume") {
    const next = batch.request.schedule && nextRun(batch.request.schedule, now);
    const time = next === undefined ? undefined : toIso(next);
    return time === undefined
      ? { data: { ...rest, status: "succeeded" }, ...ended }
      : { data: { ...batch, status: "scheduled", next_run_at: time }, due: time };
  }
  return batch.status === "running"
    ? { data: { ...batch, cancel_requested: true }, due: toIso(now) }
    : { data: { ...rest, status: "canceled", finished_at: toIso(now) }, ...ended };
}
