import { type Service, startService } from "../../../local/service.ts";
import { createAwsClients } from "../../../shared/aws/clients.ts";
import { DynamoTable } from "../../../shared/aws/dynamo-table.ts";
import { jobSchema } from "../../../shared/jobs/job.ts";
import { createJsonLog } from "../../../shared/json-log.ts";
import { parseRow, rowKeys } from "../../../shared/rows.ts";
import { systemClock } from "../../../shared/system-clock.ts";
import { send } from "./load.ts";

/** Sorted seconds from submission to a worker's start, one job at a time on an idle service. */
export async function measureStarts(model: string, image: Buffer, count: number): Promise<readonly number[]> {
  return withService(model, 1, async (service) => {
    const id = await upload(service, image);
    const clients = createAwsClients(service.standIns.aws);
    const table = new DynamoTable(clients.dynamo, service.standIns.table, systemClock);
    const waits: number[] = [];
    await edit(service, id, 60);
    for (let index = 0; index < count; index++) {
      // Vary the time relative to the worker's polling.
      await systemClock.sleep(500 + 97 * index);
      const job = await edit(service, id, 60);
      const row = await table.get(rowKeys.resource(service.account, job));
      const { created_at, started_at } = parseRow(jobSchema, row!).data;
      waits.push((Date.parse(started_at!) - Date.parse(created_at)) / 1000);
    }
    clients.destroy();
    return waits.sort((a, b) => a - b);
  });
}

/**
 * Edits of one image each per minute, with all of them queued from the start.
 *
 * @param batch maximum number of edits with one prompt that a worker takes together; the default when absent
 */
export async function measureEdits(
  model: string,
  image: Buffer,
  workers: number,
  count: number,
  batch?: number,
): Promise<number> {
  const environment: Record<string, string> = batch === undefined ? {} : { VISII_BATCH: String(batch) };
  const measured = async (service: Service) => {
    const id = await upload(service, image);
    await Promise.all(Array.from({ length: workers }, () => edit(service, id, 60)));
    const started = performance.now();
    await Promise.all(Array.from({ length: count }, () => edit(service, id, 600)));
    return count / ((performance.now() - started) / 60_000);
  };
  return withService(model, workers, measured, environment);
}

async function withService<Result>(
  model: string,
  workers: number,
  work: (service: Service) => Promise<Result>,
  environment: Readonly<Record<string, string>> = {},
): Promise<Result> {
  const log = createJsonLog((line) => process.stderr.write(`${line}\n`), Date.now, "error");
  const service = await startService({ port: 0, workers, model, log, environment, credits: 10 ** 9 });
  try {
    return await work(service);
  } finally {
    await service.stop();
  }
}

async function call(
  { url, key }: Service,
  method: "GET" | "POST",
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
) {
  const { status, text } = await send({
    method,
    url: `${url}${path}`,
    headers: { authorization: `Bearer ${key}`, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (status >= 300) throw new Error(`${method} ${path} returned status ${status}: ${text}`);
  return JSON.parse(text);
}

async function upload(service: Service, image: Buffer): Promise<string> {
  const form = await call(service, "POST", "/v1/uploads", {
    content_type: "image/jpeg",
    bytes: image.length,
  });
  const data = new FormData();
  for (const [name, value] of Object.entries<string>(form.fields)) data.append(name, value);
  data.append("file", new Blob([Uint8Array.from(image)]));
  await fetch(form.url, { method: "POST", body: data });
  await call(service, "POST", `/v1/uploads/${form.id}/complete`);
  return form.id;
}

/** Creates one edit and waits for its end, at most `seconds`. */
async function edit(service: Service, image: string, seconds: number): Promise<string> {
  const until = Date.now() + seconds * 1000;
  const wait = { prefer: "wait=50" };
  let job = await call(service, "POST", "/v1/edits", { text: "make it dusk", images: [image] }, wait);
  while (job.status === "queued" || job.status === "running") {
    if (Date.now() > until) throw new Error(`${job.id} is still ${job.status}`);
    job = await call(service, "GET", `/v1/edits/${job.id}`, undefined, wait);
  }
  if (job.status !== "succeeded") throw new Error(JSON.stringify(job));
  return job.id;
}
