import { createApp } from "../../functions/app.ts";
import { defaultEdgeSettings, type EdgePorts } from "../../functions/edge.ts";
import type { Scope } from "../../shared/accounts/api-key.ts";
import { openAccount } from "../../shared/accounts/open-account.ts";
import { createDownload } from "../../shared/outbound/download.ts";
import { type OutboundPolicy, publicOnly } from "../../shared/outbound/outbound-policy.ts";
import type { Clock } from "../../shared/ports/clock.ts";
import type { LogFacts } from "../../shared/ports/log.ts";
import { queueTiming } from "../../shared/queue-timing.ts";
import { systemClock, systemRandom } from "../../shared/system-clock.ts";
import { type LocalWorld, openLocalWorld } from "../local-world.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The parsed body, without a type. */
  readonly body: ReturnType<typeof JSON.parse>;
}

export interface Caller {
  readonly account: string;
  readonly secret: string;
  (method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
}

/** Stays at the present, so that no minute passes during a test. */
export function stoppedClock(): Clock {
  const now = Date.now();
  return { ...systemClock, now: () => now };
}

/** The real app on the real adapters, called with real Requests. */
export class Api {
  readonly world: LocalWorld;
  readonly ports: EdgePorts;
  readonly app: ReturnType<typeof createApp>;
  readonly errors: LogFacts[] = [];

  private constructor(
    world: LocalWorld,
    settings: Partial<EdgePorts["settings"]>,
    download: OutboundPolicy = publicOnly,
    clock: Clock = systemClock,
  ) {
    this.world = world;
    this.ports = {
      table: world.table,
      objects: world.objects,
      queues: world.queues,
      timing: queueTiming,
      clock,
      random: systemRandom,
      refuseWebhook: publicOnly.refuseUrl,
      download: createDownload(download),
      log: {
        info: () => undefined,
        error: (message, facts) => void this.errors.push({ message, ...facts }),
      },
      settings: {
        ...defaultEdgeSettings,
        requestsPerMinute: 100_000,
        pollInterval: 20,
        publicUrl: "http://visii.test",
        ...settings,
      },
    };
    this.app = createApp(this.ports);
  }

  /** @param download policy of URLs from which images may be downloaded */
  static async open(settings: Partial<EdgePorts["settings"]> = {}, download?: OutboundPolicy): Promise<Api> {
    return new Api(await openLocalWorld(), settings, download);
  }

  /** One whose rate limits never start anew, however slow the machine is. */
  static async openStopped(settings: Partial<EdgePorts["settings"]>): Promise<Api> {
    return new Api(await openLocalWorld(), settings, publicOnly, stoppedClock());
  }

  /** A new account with a key of these scopes. */
  async caller(
    credits = 1_000_000,
    scopes: readonly Scope[] = ["read", "write", "keys"],
    concurrency = 100,
  ): Promise<Caller> {
    const { table } = this.world;
    const { account, secret } = await openAccount(
      { table, clock: systemClock, random: systemRandom },
      { name: "tests", environment: "test", credits, concurrency, scopes },
    );
    return this.as(account.id, secret);
  }

  as(account: string, secret: string): Caller {
    const call = async (
      method: string,
      path: string,
      body?: unknown,
      headers: Record<string, string> = {},
    ): Promise<Answer> => {
      const request = new Request(`http://visii.test${path}`, {
        method,
        headers: { Authorization: `Bearer ${secret}`, "Content-Type": "application/json", ...headers },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      const response = await this.app.fetch(request);
      const text = await response.text();
      const isJson = (response.headers.get("content-type") ?? "").includes("json");
      return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
    };
    return Object.assign(call, { account, secret });
  }

  /** Uploads bytes as a client does, completes the upload and returns its ID. */
  async upload(caller: Caller, bytes: Uint8Array, contentType = "image/png"): Promise<string> {
    const { body: form } = await caller("POST", "/v1/uploads", {
      content_type: contentType,
      bytes: bytes.length,
    });
    await postForm(form, bytes);
    const completed = await caller("POST", `/v1/uploads/${form.id}/complete`);
    if (completed.status !== 200) throw new Error(JSON.stringify(completed.body));
    return form.id;
  }

  stop(): Promise<void> {
    return this.world.stop();
  }
}

export async function postForm(
  { url, fields }: { url: string; fields: Record<string, string> },
  bytes: Uint8Array,
): Promise<Response> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("file", new Blob([Uint8Array.from(bytes)]), "../../etc/passwd.png");
  return fetch(url, { method: "POST", body: form });
}
