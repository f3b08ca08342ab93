import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SeededRandom } from "../../engine/random/seeded-random.ts";
import { createId } from "../../shared/ids.ts";
import { Api, type Caller } from "./api.ts";
import { picture } from "./test-images.ts";

let api: Api;
let call: Caller;
beforeAll(async () => {
  api = await Api.open({ longestWait: 0, pollInterval: 1 });
  call = await api.caller(100_000_000, ["read", "write", "keys"], 1_000_000);
});
afterAll(() => api?.stop());

/** Increase it for a longer run. */
const requests = 5000;

interface Schema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly pattern?: string;
}

describe("the API with malformed requests", () => {
  it(`answers ${requests} requests derived from its own document, mostly invalid, without a server error`, async () => {
    const draw = new SeededRandom(4, "fuzz");
    const image = await api.upload(call, await picture());
    const { body: edit } = await call("POST", "/v1/edits", { text: "x", images: [image] });
    const known = [image, edit.id, createId("instruction", 1, new Uint8Array(10))];
    const { body: document } = await call("GET", "/openapi.json");
    const operations = Object.entries<Record<string, Operation>>(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    );
    const statuses = new Map<number, number>();
    const wrong: string[] = [];
    const one = async () => {
      const { path, method, operation } = pick(draw, operations);
      const filled = path.replace(/\{\w+\}/g, () =>
        encodeURIComponent(String(pick(draw, [...known, hostile(draw)]))),
      );
      const query =
        draw.uniform() < 0.3
          ? `?limit=${hostile(draw)}&cursor=${encodeURIComponent(String(hostile(draw)))}`
          : "";
      const schema = operation.requestBody?.content["application/json"].schema;
      const body = schema && JSON.stringify(generate(draw, schema, known, 0));
      const headers: Record<string, string> =
        draw.uniform() < 0.2
          ? { "Idempotency-Key": `k${Math.floor(draw.uniform() * 50)}`, Prefer: "wait=abc" }
          : {};
      // Streams stay open until their jobs end, which would slow the test down.
      if (path.endsWith("/events")) return;
      const broken = body !== undefined && draw.uniform() < 0.1 ? body.slice(0, -1) : body;
      const answer = await call(
        method.toUpperCase(),
        filled + query,
        method === "get" ? undefined : broken,
        headers,
      );
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      const type = answer.headers.get("content-type") ?? "";
      const sound = answer.status < 400 ? true : answer.status < 500 && type === "application/problem+json";
      if (!sound || JSON.stringify(answer.body).includes("node_modules"))
        wrong.push(`${method} ${filled} ${body}: ${answer.status}`);
    };
    for (let sent = 0; sent < requests; sent += 20) await Promise.all(Array.from({ length: 20 }, one));
    expect(wrong).toEqual([]);
    expect(api.errors).toEqual([]);
    // Some requests were accepted, and others refused for each of several reasons.
    expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 400, 404, 422]));
  }, 180_000);
});

interface Operation {
  readonly requestBody?: { readonly content: { readonly "application/json": { readonly schema: Schema } } };
}

function pick<Value>(draw: SeededRandom, values: readonly Value[]): Value {
  return values[Math.floor(draw.uniform() * values.length)]!;
}

/** Values that often cause bugs. */
const hostile = (draw: SeededRandom): unknown =>
  pick(draw, [
    ...[
      "",
      "null",
      "../../etc/passwd",
      "edt_%2e%2e",
      "'; DROP TABLE jobs; --",
      "\u0000",
      "𝕳".repeat(50),
      "x".repeat(5000),
    ],
    ...[
      "__proto__",
      "constructor",
      "upl_00000000000000000000000000",
      "http://169.254.169.254/",
      "https://[::1]/",
    ],
    ...[0, -1, 1.5, 1e308, -0, 2 ** 53, null, true, [], {}, [[]], { $ne: null }],
  ]);

/** A value that mostly matches the schema, with random deviations. */
function generate(draw: SeededRandom, schema: Schema, known: readonly string[], depth: number): unknown {
  if (draw.uniform() < 0.08 || depth > 6) return hostile(draw);
  const [branch] = schema.anyOf ?? [];
  if (branch) return generate(draw, pick(draw, schema.anyOf!), known, depth + 1);
  if (schema.enum) return pick(draw, schema.enum);
  if (schema.const !== undefined) return schema.const;
  if (schema.properties) {
    const names = Object.keys(schema.properties).filter(
      (name) => schema.required?.includes(name) || draw.uniform() < 0.5,
    );
    return Object.fromEntries(
      names.map((name) => [name, generate(draw, schema.properties![name]!, known, depth + 1)]),
    );
  }
  if (schema.items)
    return Array.from({ length: Math.ceil(draw.uniform() * 3) }, () =>
      generate(draw, schema.items!, known, depth + 1),
    );
  if (schema.type === "integer" || schema.type === "number") return Math.floor(draw.uniform() * 30);
  if (schema.pattern) return pick(draw, known);
  return pick(draw, ["sepia", "make it snow", "https://example.com/hook"]);
}
