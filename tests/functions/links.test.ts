import { afterAll, beforeAll, expect, it } from "vitest";
import { newBatch } from "../../functions/batches/new-batch.ts";
import { createId, type IdKind } from "../../shared/ids.ts";
import { JobStore } from "../../shared/jobs/job-store.ts";
import { Ledger } from "../../shared/ledger/ledger.ts";
import { objectKeys } from "../../shared/object-keys.ts";
import { rowKeys } from "../../shared/rows.ts";
import { systemClock as clock, systemRandom } from "../../shared/system-clock.ts";
import { endJob } from "../end-job.ts";
import { Api, type Caller, postForm } from "./api.ts";
import { picture } from "./test-images.ts";

const publicUrl = "https://edits.example.com";
/** Values of all headers that can name a host. */
const forged = "forged.example";
let api: Api;
let call: Caller;
/** Bodies of all responses, by method and path. */
const answers = new Map<string, string>();

beforeAll(async () => {
  api = await Api.open({ publicUrl });
  call = await api.caller();
});
afterAll(() => api?.stop());

async function ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await api.app.request(`http://${forged}${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${call.secret}`,
      "Content-Type": "application/json",
      Host: forged,
      "X-Forwarded-Host": forged,
      "X-Forwarded-Proto": "gopher",
      Forwarded: `host=${forged};proto=http`,
      "X-Original-Host": forged,
      Origin: `http://${forged}`,
      Referer: `http://${forged}/`,
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  expect([method, path, response.status < 400, text]).toEqual([method, path, true, text]);
  answers.set(`${method} ${path}`, `${JSON.stringify([...response.headers])}\n${text}`);
  return text.startsWith("{") && !text.includes("}\n{") ? JSON.parse(text) : text;
}

const newId = (kind: IdKind) => createId(kind, Date.now(), systemRandom(10));

it("every link starts with the configured URL, whatever host a request names", async () => {
  const jobs = new JobStore({ ...api.world, clock });
  const ports = { jobs, clock, table: api.world.table, ledger: new Ledger(api.world.table, clock) };
  const end = async (id: string, results: { input: string; key: string; width: number; height: number }[]) =>
    endJob(ports, call.account, id, { status: "succeeded", results });
  await ask("GET", "/healthz");
  await ask("GET", "/openapi.json");
  await ask("GET", "/docs");

  const bytes = await picture();
  const form = await ask("POST", "/v1/uploads", { content_type: "image/png", bytes: bytes.length });
  await postForm(form, bytes);
  await ask("POST", `/v1/uploads/${form.id}/complete`);
  await ask("GET", `/v1/uploads/${form.id}`);
  const data = `data:image/png;base64,${Buffer.from(bytes).toString("base64")}`;
  const spare = await ask("POST", "/v1/uploads/download", { url: data });
  await ask("DELETE", `/v1/uploads/${spare.id}`);
  const token = await ask("POST", "/v1/uploads/tokens", {}, { "Idempotency-Key": "token" });
  await ask("GET", "/v1/uploads/tokens");
  await ask("DELETE", `/v1/uploads/tokens/${token.id}`);
  const manifest = await api.upload(call, new TextEncoder().encode("{}"), "application/jsonl");

  const hook = await ask("POST", "/v1/webhooks", { url: "https://hooks.example/" });
  await ask("GET", "/v1/webhooks");
  await ask("GET", `/v1/webhooks/${hook.id}`);
  await ask("PATCH", `/v1/webhooks/${hook.id}`, { enabled: true });
  const delivery = await ask("POST", `/v1/webhooks/${hook.id}/ping`);
  await ask("POST", `/v1/webhooks/deliveries/${delivery.id}/replay`);
  await ask("POST", `/v1/webhooks/${hook.id}/rotate`);
  await ask("GET", "/v1/webhooks/secret");
  await ask("POST", "/v1/webhooks/secret/rotate");

  const pairs = [{ before: form.id, after: form.id }];
  const instruction = await ask("POST", "/v1/instructions", { pairs }, { "Idempotency-Key": "learn" });
  await ask("POST", "/v1/instructions", { pairs }, { "Idempotency-Key": "learn" });
  await ask("GET", `/v1/instructions/${instruction.id}`);
  await end(instruction.id, []);
  await ask("PATCH", `/v1/instructions/${instruction.id}`, { name: "dusk" });
  await ask("GET", "/v1/instructions");
  await ask("GET", `/v1/instructions/${instruction.id}/events`);
  const canceled = await ask("POST", "/v1/instructions", { pairs });
  await ask("POST", `/v1/instructions/${canceled.id}/cancel`);
  await ask("DELETE", `/v1/instructions/${canceled.id}`);
  const file = new Uint8Array(64);
  file.set([16, 0, 0, 0, 0, 0, 0, 0, 0x7b]);
  const upload = await api.upload(call, file, "application/vnd.visii");
  await ask("POST", "/v1/instructions/import", { upload });

  const images = [form.id];
  const edit = await ask("POST", "/v1/edits", {
    text: "sepia",
    images,
    webhook: "https://hooks.example/one",
  });
  await end(edit.id, [
    { input: form.id, key: objectKeys.result(call.account, edit.id, 0, 0, "png"), width: 1, height: 1 },
  ]);
  await ask("GET", `/v1/edits/${edit.id}`);
  await ask("GET", `/v1/edits/${edit.id}/events`);
  await ask("GET", `/v1/edits/${edit.id}/results/0`);
  await ask("POST", `/v1/edits/${edit.id}/cancel`);
  await ask("GET", "/v1/edits");
  await ask("DELETE", `/v1/edits/${edit.id}`);

  const schedule = { cron: "0 3 * * *" };
  const batch = await ask("POST", "/v1/batches", { instruction: instruction.id, images, schedule });
  await ask("GET", `/v1/batches/${batch.id}`);
  await ask("POST", `/v1/batches/${batch.id}/pause`);
  await ask("POST", `/v1/batches/${batch.id}/resume`);
  await ask("POST", `/v1/batches/${batch.id}/cancel`);
  await ask("DELETE", `/v1/batches/${batch.id}`);
  const run = {
    ...newBatch({
      id: newId("batch"),
      account: call.account,
      status: "succeeded",
      schedule_of: batch.id,
      request: { instruction: instruction.id, manifest },
      created_at: new Date().toISOString(),
    }),
    next_line: 2,
    submitted: 2,
    settled: 2,
  };
  await api.world.table.insert({ ...rowKeys.resource(call.account, run.id), data: run });
  for (const [line, status] of ["succeeded", "failed"].entries())
    await api.world.table.insert({
      ...rowKeys.batchLine(run.id, line),
      data: { line, job: newId("edit"), status, reserved: 0, results: [{ width: 1, height: 1 }] },
    });
  await ask("GET", "/v1/batches");
  await ask("GET", `/v1/batches/${run.id}/output`);
  await ask("GET", `/v1/batches/${run.id}/errors`);

  await ask("GET", "/v1/webhooks/deliveries");
  await ask("DELETE", `/v1/webhooks/${hook.id}`);
  const key = await ask("POST", "/v1/keys", {});
  await ask("GET", "/v1/keys");
  await ask("GET", `/v1/keys/${key.id}`);
  await ask("DELETE", `/v1/keys/${key.id}`);
  await ask("GET", "/v1/usage");
  await ask("GET", "/v1/account");
  const rows = await api.world.table.query(call.account, { limit: 1000 });
  const idempotent = await api.world.table.query(rowKeys.idempotency(call.account, "").pk, { limit: 10 });
  await ask("DELETE", `/v1/account?confirm=${call.account}`);

  // Covers every registered route.
  const { paths } = (await (await api.app.request("/openapi.json")).json()) as {
    paths: Record<string, Record<string, unknown>>;
  };
  const asked = [...answers.keys()].map((name) => name.split("?")[0] ?? "");
  for (const [path, item] of Object.entries(paths))
    for (const method of Object.keys(item)) {
      const pattern = new RegExp(`^${method.toUpperCase()} ${path.replace(/\{\w+\}/g, "[^/]+")}$`);
      expect([method, path, asked.some((name) => pattern.test(name))]).toEqual([method, path, true]);
    }

  const { storeEndpoint } = api.world.standIns.aws;
  const known = [publicUrl, storeEndpoint ?? "", "https://hooks.example", "http://127.0.0.1"];
  for (const [name, text] of [...answers, ["rows", JSON.stringify([rows, idempotent])] as const]) {
    expect([name, text.includes(forged)]).toEqual([name, false]);
    expect([name, /gopher/.test(text)]).toEqual([name, false]);
    if (name === "GET /docs" || name === "GET /openapi.json") continue;
    for (const [url] of text.matchAll(/https?:\/\/[^"\\ <]+/g))
      expect([name, url, known.some((origin) => url.startsWith(origin))]).toEqual([name, url, true]);
  }
  // The responses do contain links.
  const linked = [...answers].filter(([, text]) => text.includes(publicUrl)).map(([name]) => name);
  expect(linked.length).toBeGreaterThan(15);
  expect(answers.get(`GET /v1/batches/${run.id}/output`)).toContain(`${publicUrl}/v1/edits/edt_`);
  expect(answers.get("GET /openapi.json")).toContain(`"servers":[{"url":"${publicUrl}"}]`);
});
