import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ApiError, visii } from "visii-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { picture } from "../functions/test-images.ts";
import { RunningService } from "../local/running-service.ts";

const run = promisify(execFile);
let running: RunningService;
let folder: string;
const file = (name: string) => join(folder, name);

beforeAll(async () => {
  running = await RunningService.start();
  folder = await mkdtemp(join(tmpdir(), "visii-examples-"));
  await writeFile(file("before.png"), await picture());
  await writeFile(file("after.png"), await picture("png", { red: 30 }));
  await writeFile(file("photo.jpg"), await picture("jpeg", { width: 40, height: 32 }));
});
afterAll(async () => {
  await running?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function example(name: string, words: readonly string[]): Promise<string> {
  const { url, key } = running.service;
  const { stdout } = await run(process.execPath, ["--import", "tsx", `examples/${name}.ts`, ...words], {
    env: { ...process.env, VISII_URL: url, VISII_KEY: key, VISII_STEPS: "3" },
  });
  return stdout;
}

describe("each example runs unchanged:", () => {
  it("mobile-backend learns from the phone's photos and returns a link to the result", async () => {
    const out = await example("mobile-backend", [file("before.png"), file("after.png"), file("photo.jpg")]);
    expect(out).toMatch(/learning: 3 of 3/);
    const [, link] = /result 40×32: (\S+)/.exec(out) ?? [];
    expect((await fetch(link!)).headers.get("content-type")).toBe("image/jpeg");
  });

  it("pay-per-use creates an order once and bills the measured usage", async () => {
    const out = await example("pay-per-use", ["make it sepia", file("photo.jpg"), "order-17"]);
    expect(out).toContain("ordered twice, executed once: true");
    expect(out).toContain("bill for order-17: 1000 credits");
  });

  it("nightly-bulk edits a list of photos, and creates a schedule", async () => {
    const { data } = (await running.call("GET", "/v1/instructions")).body;
    const out = await example("nightly-bulk", [data[0].id, file("photo.jpg"), file("before.png")]);
    expect(out).toContain("succeeded: 2 of 2 done, 0 failed");
    expect(await example("nightly-bulk", [data[0].id, file("photo.jpg"), "--nightly"])).toMatch(
      /next run 20/,
    );
  });
});

describe("the client", () => {
  it("throws errors with the service's message", async () => {
    const { url, key } = running.service;
    const api = visii({ baseUrl: url, key });
    const refused = api.edits.get("edt_00000000000000000000000000");
    await expect(refused).rejects.toBeInstanceOf(ApiError);
    await expect(refused).rejects.toMatchObject({ problem: { code: "not_found", status: 404 } });
    await expect(visii({ baseUrl: url, key: "none" }).usage()).rejects.toThrow(/unauthorized/);
  });
});
