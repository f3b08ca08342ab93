import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "visii-smoke-"));
  await cp(join(root, "models/mini"), join(folder, "models/mini"), { recursive: true });
  await cp(join(root, "demo"), join(folder, "demo"), { recursive: true });
});
afterAll(() => rm(folder, { recursive: true }));

const smoke = (environment: Readonly<Record<string, string>> = {}) =>
  promisify(execFile)(process.execPath, ["--import", "tsx", join(root, "gpu-worker/smoke.ts"), folder], {
    cwd: root,
    env: { PATH: process.env.PATH, ...environment },
  });

describe("the smoke test", { timeout: 600_000 }, () => {
  it("learns and applies an instruction with the bundled model", async () => {
    const { stdout } = await smoke({ VISII_MODEL: join(folder, "not-published") });
    expect(stdout).toContain("the device passed its self-test");
    expect(stdout).toContain("no model is published");
    const [, gained = "0"] = /"edit_db":([\d.]+)/.exec(stdout) ?? [];
    const [, photo = "0"] = /"photo_db":([\d.]+)/.exec(stdout) ?? [];
    expect(Number(gained) - Number(photo)).toBeGreaterThan(3);
  });

  it("then learns and applies one step with a published model, and fills the cache", async () => {
    const cache = join(folder, "cache");
    const { stdout } = await smoke({ VISII_MODEL: join(folder, "models/mini"), VISII_CACHE: cache });
    expect(stdout).toContain("the published model learned and applied one step");
    expect(await readdir(join(cache, "digests"))).not.toEqual([]);
  });

  it("fails with a missing device and with a damaged model", async () => {
    await expect(smoke({ VISII_DEVICE: "cuda" })).rejects.toMatchObject({ code: 1 });
    await writeFile(join(folder, "models/mini/unet/config.json"), "{}");
    await expect(smoke()).rejects.toMatchObject({ code: 1 });
  });
});
