import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeRandomModel } from "../../research/random-model/write-random-model.ts";
import { filesOf, LocalHub } from "../engine/model-store/local-hub.ts";
import { lastJson, runBin } from "./run-bin.ts";

const id = "painter/instruct-tiny";
const photo = join(import.meta.dirname, "../../demo/chelsea.jpg");

let scratch: string;
let hub: LocalHub;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "visii-models-"));
  hub = await LocalHub.start();
});
afterAll(async () => {
  await hub.stop();
  await rm(scratch, { recursive: true });
});

const visii = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runBin(args, {
    cwd: scratch,
    env: { VISII_MODELS: join(scratch, "store"), HF_ENDPOINT: hub.endpoint, HF_TOKEN: "", ...env },
  });

describe("visii models", () => {
  it("pull downloads a model from a Hub, and --model finds it by its ID", async () => {
    await writeRandomModel(join(scratch, "made"), { like: "tiny-instruct-pix2pix", seed: 0 });
    hub.add(id, { files: await filesOf(join(scratch, "made")) });

    const before = await visii(["edit", "make it night", photo, "--model", id, "--out", "edited"]);
    expect(before).toMatchObject({ code: 1, stderr: expect.stringContaining(`visii models pull ${id}`) });

    const pulled = await visii(["models", "pull", id, "--json"]);
    expect(pulled.stderr).toMatch(/fetching unet\/diffusion_pytorch_model\.safetensors {2}\d+\/\d+ MB/);
    expect(lastJson(pulled.stdout)).toMatchObject({ id, model: id, commit: hub.commit });

    const edited = await visii([
      ...["edit", "make it night", photo, "--model", id],
      ...["--steps", "1", "--out", "edited", "--json"],
    ]);
    expect(edited).toMatchObject({ code: 0 });
    expect(await readdir(join(scratch, "edited"))).toEqual(["chelsea.jpg"]);
  });

  it("pull writes to --dir, and downloads the revision in the ID", async () => {
    const result = await visii(["models", "pull", `${id}@refs/pr/1`, "--dir", "elsewhere", "--json"]);
    expect(lastJson(result.stdout)).toMatchObject({ model: "elsewhere", folder: join(scratch, "elsewhere") });
    const again = await visii(["models", "pull", id, "--dir", "elsewhere"]);
    expect(again.stdout).toMatch(/^Nothing to download: .*elsewhere is complete \(\d+ files/);
  });

  it("list prints the stored models", async () => {
    const { stdout } = await visii(["models", "list", "--json"]);
    expect(lastJson(stdout)).toMatchObject({ models: [{ id, complete: true, commit: hub.commit }] });
    expect((await visii(["models", "list"])).stdout).toMatch(
      /^painter\/instruct-tiny {2}0\.00 GB {2}commit c0ffee/,
    );
  });

  it("verify finds a damaged file, and the next pull downloads only that file", async () => {
    const file = join(scratch, "store", id, "tokenizer", "merges.txt");
    await writeFile(file, "nonsense");
    const found = await visii(["models", "verify", id]);
    expect(found).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/damaged: tokenizer\/merges\.txt \(wrong size\)/),
    });
    const mended = await visii(["models", "pull", id, "--json"]);
    expect((lastJson(mended.stdout) as { fetched: number }).fetched).toBeLessThan(10_000);
    expect((await visii(["models", "verify", id])).code).toBe(0);
  });

  it("remove deletes a model, and lists the stored ones if it is not found", async () => {
    expect((await visii(["models", "remove", "no/such"])).stderr).toMatch(
      /no\/such is not in .*which contains painter/,
    );
    expect((await visii(["models", "remove", id])).stdout).toMatch(/^Removed painter\/instruct-tiny/);
    expect(await readdir(join(scratch, "store"))).toEqual([]);
    expect((await visii(["models", "list"])).stdout).toMatch(/^No pulled models/);
  });

  it("pull reports a missing connection in one sentence", async () => {
    const { code, stderr } = await visii(["models", "pull", id, "--endpoint", "http://127.0.0.1:1"]);
    expect(code).toBe(1);
    expect(stderr.trim().split("\n").at(-1)).toBe(
      "visii: http://127.0.0.1:1 cannot be reached: bad port. Without a connection, use --model DIR with a folder downloaded elsewhere.",
    );
  });
});
