import { mkdtemp, readdir, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cacheOptions } from "../../cli/cache-location.ts";
import { stepOf } from "../engine/model-cache/loss-bits.ts";
import { openFixture } from "../engine/networks/expected-values.ts";
import { lastJson, runBin } from "./run-bin.ts";

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "visii-cache-"));
});
afterAll(() => rm(scratch, { recursive: true }));

const visii = (args: readonly string[], env: Readonly<Record<string, string>>) =>
  runBin(args, { cwd: scratch, env });

describe("the model cache is on", () => {
  it.each([
    [{ VISII_CACHE: "/disk/visii", XDG_CACHE_HOME: "/x" }, { folder: "/disk/visii" }],
    [{ XDG_CACHE_HOME: "/x" }, { folder: "/x/visii/computed" }],
    [{}, { folder: join(homedir(), ".cache/visii/computed") }],
    [
      { VISII_CACHE: "/disk", VISII_CACHE_SIZE: "0.5" },
      { folder: "/disk", limit: 5e8 },
    ],
    [{ VISII_CACHE: "off" }, undefined],
  ])("for %j in %j", (environment, place) => expect(cacheOptions(environment)).toEqual(place));

  it.each(["0", "-1", "much"])("rejects %j GB", (size) =>
    expect(() => cacheOptions({ VISII_CACHE_SIZE: size })).toThrow(/VISII_CACHE_SIZE is .*number of GB/),
  );
});

describe("visii cache", () => {
  it("prints its location and size, and deletes it", async () => {
    const folder = join(scratch, "computed");
    await stepOf((await openFixture("tiny-ip2p")).folder, { folder, least: 0 });
    const env = { VISII_CACHE: folder };
    const there = await visii(["cache", "--json"], env);
    const { bytes } = lastJson(there.stdout) as { bytes: number };
    expect(lastJson(there.stdout)).toMatchObject({ folder, entries: 1, cleared: false });
    expect(bytes).toBeGreaterThan(10_000);

    const cleared = await visii(["cache", "--clear"], env);
    expect(cleared).toMatchObject({ code: 0, stdout: expect.stringContaining(`Cleared ${folder}: 0.00 GB`) });
    expect(await readdir(folder)).toEqual([]);
    expect((await visii(["cache"], env)).stdout).toBe(
      `${folder}: 0 files, 0.00 GB. Use --clear to delete it.\n`,
    );
  });

  it("reports that it is off", async () => {
    const { code, stdout } = await visii(["cache"], { VISII_CACHE: "off" });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "The cache is disabled (VISII_CACHE=off).\n" });
  });
});
