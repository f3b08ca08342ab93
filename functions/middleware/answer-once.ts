import { createHash } from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";
import type { StatusCode } from "hono/utils/http-status";
import { z } from "zod";
import { defined } from "../../shared/defined.ts";
import { createId, type IdKind } from "../../shared/ids.ts";
import { lifetimes } from "../../shared/object-keys.ts";
import type { TableKey } from "../../shared/ports/table.ts";
import { parseRow, rowKeys, type Stored } from "../../shared/rows.ts";
import type { Edge, EdgeEnv } from "../edge.ts";
import { refuse } from "../problem-answers.ts";
import { isDryRun } from "../quote.ts";
import { seal, unseal } from "./sealed-text.ts";

const recordSchema = z.object({
  /** Of method, path and body. */
  request: z.string(),
  /** Ids follow from these, so that a second try after a crash makes the same resource. */
  time: z.number(),
  random: z.string(),
  /** Milliseconds since 1970 until which somebody is at it. */
  until: z.number(),
  answer: z
    .object({
      status: z.number(),
      body: z.string(),
      headers: z.record(z.string(), z.string()),
      /** The body is sealed by the caller's own key. */
      sealed: z.boolean().optional(),
    })
    .optional(),
});
type Record = z.infer<typeof recordSchema>;

const keptHeaders = ["content-type", "location"];
/** Their answers may hold a secret, so the table has them sealed. */
const holdSecrets = ["/v1/keys", "/v1/webhooks"];

/** `Idempotency-Key`: the same key and body get the same answer for a day, and make one resource. */
export function answerOnce(edge: Edge): MiddlewareHandler<EdgeEnv> {
  const { table, clock, random, settings } = edge;
  const patience = settings.requestPatience * 1000;
  return async (context, next) => {
    const name = context.req.header("Idempotency-Key");
    // A dry run makes nothing, and its answer must not be taken for the request's own.
    if (name === undefined || context.req.method !== "POST" || isDryRun(context)) return next();
    if (!/^[\x21-\x7e]{1,255}$/.test(name))
      throw refuse("invalid_request", "An Idempotency-Key has 1 to 255 visible ASCII characters.");
    const key = rowKeys.idempotency(context.get("account"), sha256(name));
    const request = sha256(`${context.req.method} ${context.req.path}\n${await context.req.text()}`);
    const now = clock.now();
    const record: Record = { request, time: now, random: hex(random(10)), until: now + patience };
    const expires = Math.floor(now / 1000) + lifetimes.idempotency;
    const inserted = await table.insert({ ...key, data: record, expires });
    const mine =
      inserted === "conflict"
        ? await takeOver(context, key, record)
        : { data: record, version: inserted.version };
    if (mine instanceof Response) return mine;
    context.set("resumed", inserted === "conflict");
    context.set("newId", (kind: IdKind) =>
      createId(kind, mine.data.time, Uint8Array.from(Buffer.from(mine.data.random, "hex"))),
    );
    await next();
    const { status } = context.res;
    const lasting = status < 500 && status !== 429 && status !== 409 && status !== 402;
    const answer = lasting ? await keep(context) : undefined;
    const data: Record = { ...mine.data, until: 0, ...defined({ answer }) };
    await table.replace({ ...key, data, expires }, mine.version);
  };

  /** Another had the key first: its answer, or a refusal, or its place when it died. */
  async function takeOver(
    context: Context<EdgeEnv>,
    key: TableKey,
    own: Record,
  ): Promise<Stored<Record> | Response> {
    const row = await table.get(key);
    const found = row && parseRow(recordSchema, row);
    if (!found)
      throw refuse("idempotency_in_progress", "A request with this Idempotency-Key just ended; try again.");
    const { data, version } = found;
    // Written by this very request: only the answer to its insert was lost.
    if (data.random === own.random) return found;
    if (data.request !== own.request)
      throw refuse(
        "idempotency_key_reused",
        "This Idempotency-Key came with another request; use a new one.",
      );
    if (data.answer) {
      const { status, body, headers, sealed } = data.answer;
      const opened = sealed ? unseal(body, secretOf(context)) : body;
      if (opened === undefined)
        throw refuse(
          "idempotency_key_reused",
          "This Idempotency-Key came with another API key, and only that one may see the answer.",
        );
      context.header("Idempotency-Replayed", "true");
      return context.newResponse(opened || null, status as StatusCode, headers);
    }
    const renewed = { ...data, until: clock.now() + patience };
    const taken =
      data.until > clock.now()
        ? "conflict"
        : await table.replace(
            { ...key, data: renewed, ...(row.expires ? { expires: row.expires } : {}) },
            version,
          );
    if (taken === "conflict") {
      context.header("Retry-After", "1");
      throw refuse(
        "idempotency_in_progress",
        "A request with this Idempotency-Key is being worked on; try again.",
      );
    }
    return { data: renewed, version: taken.version };
  }

  async function keep(context: Context<EdgeEnv>): Promise<NonNullable<Record["answer"]>> {
    const { res, req } = context;
    const headers = Object.fromEntries([...res.headers].filter(([name]) => keptHeaders.includes(name)));
    const body = await res.clone().text();
    const answer = { status: res.status, headers, body };
    return holdSecrets.some((path) => req.path.startsWith(path))
      ? { ...answer, body: seal(body, secretOf(context), random), sealed: true }
      : answer;
  }
}

/** The caller's API key, which `authenticate` has found good. */
const secretOf = (context: Context<EdgeEnv>): string =>
  (context.req.header("Authorization") ?? "").split(" ")[1] ?? "";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
