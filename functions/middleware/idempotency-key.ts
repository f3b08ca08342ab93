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
import { refuse } from "../problem-responses.ts";
import { isDryRun } from "../quote.ts";
import { seal, unseal } from "./sealed-text.ts";

const recordSchema = z.object({
  /** SHA-256 of method, path and body. */
  request: z.string(),
  /** IDs are derived from these, so that a retry after a crash creates the same resource. */
  time: z.number(),
  random: z.string(),
  /** Milliseconds since 1970 until which the request is locked by the process that handles it. */
  until: z.number(),
  answer: z
    .object({
      status: z.number(),
      body: z.string(),
      headers: z.record(z.string(), z.string()),
      /** The body is encrypted with the caller's API key. */
      sealed: z.boolean().optional(),
    })
    .optional(),
});
type Record = z.infer<typeof recordSchema>;

const keptHeaders = ["content-type", "location"];
/** Responses of these paths may contain a secret, so they are stored encrypted. */
const holdSecrets = ["/v1/keys", "/v1/webhooks", "/v1/uploads/tokens"];

/** `Idempotency-Key`: for a day, the same key and body return the same response and create one resource. */
export function handleIdempotencyKey(edge: Edge): MiddlewareHandler<EdgeEnv> {
  const { table, clock, random, settings } = edge;
  const lock = settings.idempotencyLock * 1000;
  return async (context, next) => {
    const name = context.req.header("Idempotency-Key");
    // A dry run creates nothing, and its response must not be replayed for the real request.
    if (name === undefined || context.req.method !== "POST" || isDryRun(context)) return next();
    if (!/^[\x21-\x7e]{1,255}$/.test(name))
      throw refuse(
        "invalid_request",
        "The Idempotency-Key is invalid; use 1 to 255 visible ASCII characters.",
      );
    // An upload token must not read responses to the account's keys or to other tokens.
    const holder = context.get("uploadToken")?.id;
    const key = rowKeys.idempotency(
      context.get("account"),
      sha256(holder === undefined ? name : `${holder} ${name}`),
    );
    const request = sha256(`${context.req.method} ${context.req.path}\n${await context.req.text()}`);
    const now = clock.now();
    const record: Record = { request, time: now, random: hex(random(10)), until: now + lock };
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

  /** Handles an existing key: returns its response, throws, or takes over from a process that crashed. */
  async function takeOver(
    context: Context<EdgeEnv>,
    key: TableKey,
    own: Record,
  ): Promise<Stored<Record> | Response> {
    const row = await table.get(key);
    const found = row && parseRow(recordSchema, row);
    if (!found)
      throw refuse("idempotency_in_progress", "A request with this Idempotency-Key has just ended; retry.");
    const { data, version } = found;
    // This request inserted the record; only the response to the insert was lost.
    if (data.random === own.random) return found;
    if (data.request !== own.request)
      throw refuse(
        "idempotency_key_reused",
        "This Idempotency-Key was used for a different request; use a new one.",
      );
    if (data.answer) {
      const { status, body, headers, sealed } = data.answer;
      const opened = sealed ? unseal(body, secretOf(context)) : body;
      if (opened === undefined)
        throw refuse(
          "idempotency_key_reused",
          "This Idempotency-Key was used with another API key; use that key or a new Idempotency-Key.",
        );
      context.header("Idempotency-Replayed", "true");
      return context.newResponse(opened || null, status as StatusCode, headers);
    }
    const renewed = { ...data, until: clock.now() + lock };
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
        "A request with this Idempotency-Key is in progress; retry after a second.",
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

/** The caller's API key, already verified by `authenticate`. */
const secretOf = (context: Context<EdgeEnv>): string =>
  (context.req.header("Authorization") ?? "").split(" ")[1] ?? "";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
