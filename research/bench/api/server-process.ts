/** Serves a checkout's API on given stand-ins, and bare Hono with the same JSON, on two ports. */

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import type { StandIns } from "../../../local/stand-ins.ts";
import { defined } from "../../../shared/defined.ts";
import { createDownload } from "../../../shared/outbound/download.ts";
import { publicOnly } from "../../../shared/outbound/outbound-policy.ts";
import { usedMilliseconds } from "./child.ts";
import { countCalls } from "./count-calls.ts";
import { openTenants } from "./tenants.ts";

export interface ServerOptions {
  /** Root of the checkout whose API is served. */
  readonly root: string;
  readonly standIns: Pick<StandIns, "aws" | "bucket" | "table" | "queueUrls">;
}

type ServerQuestion =
  | { readonly ask: "tenants"; readonly count: number }
  /** Calls and CPU time since the last such question. */
  | { readonly ask: "cost" }
  | { readonly ask: "answer"; readonly sample: Readonly<Record<string, unknown>> }
  /** Writes `count` rows, `atOnce` concurrently. */
  | { readonly ask: "puts"; readonly count: number; readonly atOnce: number };

const { root, standIns } = JSON.parse(process.argv[2] ?? "") as ServerOptions;
const { aws } = standIns;
const load = (path: string) => import(pathToFileURL(join(root, path)).href);
const { createApp } = (await load("functions/app.ts")) as typeof import("../../../functions/app.ts");
const { defaultEdgeSettings } = (await load(
  "functions/edge.ts",
)) as typeof import("../../../functions/edge.ts");
const { openAdapters } = (await load(
  "shared/aws/aws-config.ts",
)) as typeof import("../../../shared/aws/aws-config.ts");
const { systemClock: clock, systemRandom: random } = (await load(
  "shared/system-clock.ts",
)) as typeof import("../../../shared/system-clock.ts");
const { openAccount } = (await load(
  "shared/accounts/open-account.ts",
)) as typeof import("../../../shared/accounts/open-account.ts");

const adapters = openAdapters(
  {
    AWS_REGION: aws.region,
    VISII_BUCKET: standIns.bucket,
    VISII_TABLE: standIns.table,
    VISII_QUEUE_URLS: standIns.queueUrls,
    ...defined({
      VISII_STORE_ENDPOINT: aws.storeEndpoint,
      VISII_QUEUE_ENDPOINT: aws.queueEndpoint,
      VISII_TABLE_ENDPOINT: aws.tableEndpoint,
      credentials: aws.credentials,
    }),
  },
  clock,
);
const calls = new Map<string, number>();
const table = countCalls(adapters.table, "table", calls);
const queues = Object.fromEntries(
  Object.entries(adapters.queues).map(([name, queue]) => [name, countCalls(queue, "queue", calls)]),
) as typeof adapters.queues;
const silent = { info: () => undefined, error: console.error };
const settings = { ...defaultEdgeSettings, requestsPerMinute: 60_000, publicUrl: "http://127.0.0.1" };
const refuseWebhook = () => undefined;
const app = createApp({
  table,
  objects: adapters.objects,
  queues,
  timing: adapters.timing,
  clock,
  random,
  log: silent,
  settings,
  refuseWebhook,
  download: createDownload(publicOnly),
});

let sample: Readonly<Record<string, unknown>> = {};
const bare = new Hono()
  .post("*", async (context) => {
    await context.req.json();
    return context.json(sample, 202);
  })
  .get("*", (context) => context.json(sample));

const listen = (fetch: (request: Request) => Response | Promise<Response>) =>
  new Promise<string>((resolve) => {
    serve({ fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) => resolve(`http://127.0.0.1:${port}`));
  });
const urls = { api: await listen(app.fetch), bare: await listen(bare.fetch) };

async function put(count: number, atOnce: number): Promise<{ readonly seconds: number }> {
  let next = 0;
  const writer = async () => {
    while (next < count) await adapters.table.insert({ pk: "puts", sk: String(next++), data: { sample } });
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: atOnce }, writer));
  return { seconds: (performance.now() - started) / 1000 };
}

let used = 0;
async function answer(question: ServerQuestion): Promise<unknown> {
  switch (question.ask) {
    case "tenants":
      return openTenants(adapters.table, openAccount, question.count);
    case "answer":
      sample = question.sample;
      return {};
    case "puts":
      return put(question.count, question.atOnce);
    case "cost": {
      const now = usedMilliseconds();
      const cost = { calls: Object.fromEntries(calls), cpu: now - used };
      used = now;
      calls.clear();
      return cost;
    }
  }
}

process.on("message", async (question: ServerQuestion) => process.send?.(await answer(question)));
process.once("disconnect", () => process.exit());
process.send?.(urls);
