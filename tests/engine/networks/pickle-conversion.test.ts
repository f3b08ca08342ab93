import { execFile, spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openPipeline } from "../../../engine/pipeline/pipeline.ts";
import { openCheckpoint } from "../../../engine/weights/checkpoint.ts";
import { openSafetensors, readTensor } from "../../../engine/weights/safetensors-file.ts";
import { openFixture } from "./expected-values.ts";

const python = process.env.VISII_PYTHON ?? "python3";
const hasTorch =
  spawnSync(python, [
    "-c",
    "import sys; from importlib.util import find_spec as f; sys.exit(not (f('torch') and f('safetensors')))",
  ]).status === 0;
if (!hasTorch)
  console.warn(`Skipped: ${python} has no torch and safetensors; set VISII_PYTHON to one that has.`);

const run = promisify(execFile);
const refusalOf = (opening: Promise<unknown>): Promise<string> =>
  opening.then(
    () => "no refusal",
    (error: Error) => error.message,
  );
/** Runs the command at the end of a refusal in a shell. */
const convert = (refusal: string) =>
  run("sh", ["-c", refusal.slice(refusal.indexOf("python3 -c")).replace(/^python3/, python)]);

describe.skipIf(!hasTorch)(
  "the command that converts pickles (needs torch and safetensors)",
  { timeout: 300_000 },
  () => {
    let folder: string;
    beforeAll(async () => {
      folder = join(await mkdtemp(join(tmpdir(), "visii-pickle-")), `it's $HOME, \`a\` "b" \\`);
      await mkdir(folder);
    });
    afterAll(() => rm(join(folder, ".."), { recursive: true }));

    it("writes what torch.save saved: shared, transposed and half-precision tensors, in one file or in shards", async () => {
      const save = [
        "import sys, torch",
        "base = torch.arange(6.0).reshape(2, 3)",
        "torch.save({'a': base, 'shared': base, 'transposed': base.T}, sys.argv[1])",
        "torch.save({'half': base.half() / 8, 'row': base[1], 'ids': torch.arange(3)}, sys.argv[2])",
      ].join("; ");
      const files = [1, 2].map((n) => join(folder, `pytorch_model-0000${n}-of-00002.bin`));
      await run(python, ["-c", save, ...files]);
      await writeFile(join(folder, "optimizer.pt"), "another pickle");

      const refusal = await refusalOf(openCheckpoint(folder, "pytorch_model"));
      expect(refusal).toContain("-00001-of-00002.bin is a Python pickle, which can run code when loaded");
      await convert(refusal);
      const { names } = await openCheckpoint(folder, "pytorch_model");
      expect([...names].sort()).toEqual(["a", "half", "ids", "row", "shared", "transposed"]);
      const file = await openSafetensors(join(folder, "pytorch_model.safetensors"));
      const read = async (name: string) => [...(await readTensor(file, name))];
      expect(await read("a")).toEqual([0, 1, 2, 3, 4, 5]);
      expect(await read("shared")).toEqual([0, 1, 2, 3, 4, 5]);
      expect(file.tensors.get("transposed")!.shape).toEqual([3, 2]);
      expect(await read("transposed")).toEqual([0, 3, 1, 4, 2, 5]);
      expect(file.tensors.get("half")!.dtype).toBe("F16");
      expect(await read("half")).toEqual([0, 0.125, 0.25, 0.375, 0.5, 0.625]);
      expect(await read("row")).toEqual([3, 4, 5]);
    });

    it("gives a model that was saved with pickles its weights back", async () => {
      const { folder: original } = await openFixture("tiny-ip2p");
      const model = join(folder, "model");
      await cp(original, model, { recursive: true });
      const save =
        "import sys, torch; from safetensors.torch import load_file; torch.save(load_file(sys.argv[1]), sys.argv[2])";
      const converted: string[] = [];
      for (const [component, name, pickle] of [
        ["unet", "diffusion_pytorch_model", "diffusion_pytorch_model.bin"],
        ["text_encoder", "model", "pytorch_model.bin"],
      ] as const) {
        const path = join(model, component, `${name}.safetensors`);
        await run(python, ["-c", save, path, join(model, component, pickle)]);
        await rm(path);
      }
      const open = () => openPipeline(model, { device: "cpu" });
      for (
        let refusal = await refusalOf(open());
        refusal !== "no refusal";
        refusal = await refusalOf(open())
      ) {
        expect(refusal).toContain("is a Python pickle");
        expect(converted.length).toBeLessThan(3);
        converted.push(refusal);
        await convert(refusal);
      }
      expect(converted).toHaveLength(2);
      const [again, first] = [await open(), await openPipeline(original, { device: "cpu" })];
      expect(again.weightHash).toBe(first.weightHash);
    });

    it("runs no code of a pickle", async () => {
      const trap = join(folder, "trap");
      await mkdir(trap);
      const save =
        "import os, pickle, sys; X = type('X', (), {'__reduce__': lambda self: (os.mkdir, (sys.argv[2],))}); pickle.dump({'a': X()}, open(sys.argv[1], 'wb'))";
      await run(python, ["-c", save, join(trap, "model.bin"), join(trap, "ran")]);
      const refusal = await refusalOf(openCheckpoint(trap, "model"));
      await expect(convert(refusal)).rejects.toThrow(/weights_only|Unsupported|mkdir/i);
      await expect(rename(join(trap, "ran"), join(trap, "moved"))).rejects.toThrow(/ENOENT/);
    });
  },
);
