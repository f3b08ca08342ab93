import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeHeader, decodeTensor } from "../../engine/weights/decode-safetensors.ts";
import { encodeSafetensors } from "../../engine/weights/safetensors-writing.ts";

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

/** Twice the bytes of float16, so that the file is large enough for the cache. */
async function storeAsFloat32(path: string): Promise<void> {
  const bytes = await readFile(path);
  const header = decodeHeader(bytes, path);
  const tensors = [...header.tensors].map(([name, { shape }]) => {
    return [name, { shape, dtype: "F32", data: decodeTensor(bytes, header, name, path) }] as const;
  });
  await writeFile(path, encodeSafetensors(Object.fromEntries(tensors), header.metadata));
}

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
    const [model, cache] = [join(folder, "published"), join(folder, "cache")];
    await cp(join(root, "models/mini"), model, { recursive: true });
    await storeAsFloat32(join(model, "unet/diffusion_pytorch_model.safetensors"));
    const { stdout } = await smoke({ VISII_MODEL: model, VISII_CACHE: cache });
    expect(stdout).toContain("the published model learned and applied one step");
    expect(await readdir(join(cache, "digests"))).not.toEqual([]);
  });

  it("fails with a missing device and with a damaged model", async () => {
    await expect(smoke({ VISII_DEVICE: "cuda" })).rejects.toMatchObject({ code: 1 });
    await writeFile(join(folder, "models/mini/unet/config.json"), "{}");
    await expect(smoke()).rejects.toMatchObject({ code: 1 });
  });
});
