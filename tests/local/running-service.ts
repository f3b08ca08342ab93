import { fileURLToPath } from "node:url";
import { type Service, type ServiceOptions, startService } from "../../local/service.ts";
import { openAccount } from "../../shared/accounts/open-account.ts";
import { createAwsClients } from "../../shared/aws/clients.ts";
import { DynamoTable } from "../../shared/aws/dynamo-table.ts";
import { createJsonLog } from "../../shared/json-log.ts";
import { prices } from "../../shared/prices.ts";
import { systemClock as clock, systemRandom as random } from "../../shared/system-clock.ts";
import type { Answer } from "../functions/api.ts";
import { postForm } from "../functions/api.ts";

export const tinyModel = fileURLToPath(new URL("../fixtures/tiny-mini", import.meta.url));

/** Seconds, short enough for leases to expire during a test. */
export const quickTiming = {
  visibility: 6,
  heartbeat: 2,
  lease: 6,
  poll: 1,
  unqueuedGrace: 2,
  backoffFirst: 1,
} as const;

/** The whole service as `npm run dev` starts it, with the tiny random model. */
export class RunningService {
  readonly service: Service;

  private constructor(service: Service) {
    this.service = service;
  }

  static async start(options: Partial<ServiceOptions> = {}): Promise<RunningService> {
    const log = createJsonLog((line) => process.stderr.write(`${line}\n`), Date.now, "error");
    const service = await startService({
      port: 0,
      workers: 1,
      model: tinyModel,
      log,
      timing: quickTiming,
      saveEvery: 0.2,
      ...options,
    });
    return new RunningService(service);
  }

  /** Opens another account, by default with the initial credit. @returns its key */
  async openAccount(credits: number = prices.welcome): Promise<string> {
    const { aws, table: name } = this.service.standIns;
    const { dynamo, destroy } = createAwsClients(aws);
    const { secret } = await openAccount(
      { table: new DynamoTable(dynamo, name, clock), clock, random },
      { name: "another", environment: "test", credits, concurrency: 1000 },
    );
    destroy();
    return secret;
  }

  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
    key = this.service.key,
  ): Promise<Answer> {
    const { url } = this.service;
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = (response.headers.get("content-type") ?? "").includes("json");
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  }

  async upload(bytes: Uint8Array, contentType = "image/png", key = this.service.key): Promise<string> {
    const wanted = { content_type: contentType, bytes: bytes.length };
    const { body: form } = await this.call("POST", "/v1/uploads", wanted, {}, key);
    await postForm(form, bytes);
    const { status, body } = await this.call("POST", `/v1/uploads/${form.id}/complete`, undefined, {}, key);
    if (status !== 200) throw new Error(JSON.stringify(body));
    return form.id;
  }

  /** Polls a job until `until` returns true. */
  async watch(
    path: string,
    until: (body: Answer["body"]) => boolean,
    seconds = 40,
    key = this.service.key,
  ): Promise<Answer["body"]> {
    const end = Date.now() + seconds * 1000;
    for (;;) {
      const { body } = await this.call("GET", path, undefined, {}, key);
      if (until(body)) return body;
      if (Date.now() > end) throw new Error(`${path} is still ${JSON.stringify(body)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  end(path: string, seconds?: number, key?: string): Promise<Answer["body"]> {
    return this.watch(path, ({ status }) => !["queued", "running"].includes(status), seconds, key);
  }

  stop(): Promise<void> {
    return this.service.stop();
  }
}
