import { describe, expect, it } from "vitest";
import { createApp } from "../../functions/app.ts";
import { defaultEdgeSettings } from "../../functions/edge.ts";
import { MemoryTable } from "../../research/bench/batch/memory-table.ts";
import { createDownload } from "../../shared/outbound/download.ts";
import { publicOnly } from "../../shared/outbound/outbound-policy.ts";
import { queueTiming } from "../../shared/queue-timing.ts";
import { createRouterToken, routerHeader } from "../../shared/router-token.ts";
import { ManualClock } from "../contracts/manual-clock.ts";

const clock = new ManualClock();
const router = { key: "k".repeat(44), deployedAt: clock.now() };
const app = (settings: object) =>
  createApp({
    table: new MemoryTable(() => clock.now()),
    objects: {} as never,
    queues: {} as never,
    timing: queueTiming,
    clock,
    random: (count) => new Uint8Array(count),
    log: { info() {}, error() {} },
    refuseWebhook: () => undefined,
    download: createDownload(publicOnly),
    settings: { ...defaultEdgeSettings, publicUrl: "https://edits.example.com", ...settings },
  });
const get = (settings: object, headers: Record<string, string> = {}) =>
  app(settings).request("/openapi.json", { headers });

describe("the function's own URL", () => {
  it("accepts requests through the router, and refuses others with the public URL", async () => {
    const refused = await get({ router });
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({
      code: "not_through_router",
      detail: "This URL is internal; send requests to https://edits.example.com.",
    });
    expect((await get({ router }, { [routerHeader]: "1.forged" })).status).toBe(403);
    expect(
      (await get({ router }, { [routerHeader]: createRouterToken(router.key, clock.now()) })).status,
    ).toBe(200);
  });

  it("accepts all requests if there is no router", async () => {
    expect((await get({})).status).toBe(200);
  });
});
