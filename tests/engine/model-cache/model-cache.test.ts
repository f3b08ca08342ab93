import { execFile } from "node:child_process";
import { appendFile, cp, mkdtemp, open, readdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ModelCache, type ModelCacheOptions } from "../../../engine/model-cache/model-cache.ts";
import { readModelFolder } from "../../../engine/pipeline/model-folder.ts";
import { openSafetensors } from "../../../engine/weights/safetensors-file.ts";
import { openFixture } from "../networks/expected-values.ts";
import { type Step, stepGraph, stepOf } from "./loss-bits.ts";

let tiny: string;
let plain: Step;
/** A cache folder with the data of that model. */
let made: string;
beforeAll(async () => {
  tiny = (await openFixture("tiny-ip2p")).folder;
  plain = await stepOf(tiny);
  made = await mkdtemp(join(tmpdir(), "visii-made-"));
  await stepOf(tiny, { folder: made, least: 0 });
  return () => rm(made, { recursive: true });
});

let scratch: string;
let notes: string[];
let cache: ModelCacheOptions;
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), "visii-cache-"));
  notes = [];
  cache = { folder: join(scratch, "cache"), least: 0, note: (line) => notes.push(line) };
});
afterEach(() => rm(scratch, { recursive: true }));

/** Fills the cache as an earlier process would. */
const keepTiny = () => cp(made, cache.folder, { recursive: true });
const kernels = () => join(cache.folder, "kernels");
const entries = async () => (await readdir(kernels())).filter((name) => name.endsWith(".safetensors")).sort();
const theEntry = async () => join(kernels(), (await entries())[0]!);
const identity = async (path: string) => {
  const { ino, mtimeNs, size } = await stat(path, { bigint: true });
  return [ino, mtimeNs, size].join();
};
const copyOfTiny = async () => {
  const folder = join(scratch, "model");
  await cp(tiny, folder, { recursive: true });
  return folder;
};
/** Number of a step's values that are read from files, and their graph. */
async function served(options: ModelCacheOptions, folder = tiny): Promise<number> {
  const graph = stepGraph(await readModelFolder(folder));
  return new ModelCache(options).serve(graph, async (stored) => stored.size);
}

describe("a step has the same bits", () => {
  it.each(["tiny-ip2p", "tiny-mini"] as const)(
    "without the cache, when it is written and when it is read (%s)",
    async (name) => {
      const { folder } = await openFixture(name);
      const { bits, gradient } = await stepOf(folder);
      expect(gradient.some((x) => x !== 0)).toBe(true);
      expect((await stepOf(folder, cache)).bits).toBe(bits);
      const written = await identity(await theEntry());
      expect((await stepOf(folder, cache)).bits).toBe(bits);
      expect(await identity(await theEntry())).toBe(written);
      expect(await served(cache, folder)).toBeGreaterThan(10);
      expect(notes).toEqual([]);
    },
  );

  it("at another size, from the same file", async () => {
    await keepTiny();
    const { bits } = await stepOf(tiny, undefined, 16);
    expect((await stepOf(tiny, cache, 16)).bits).toBe(bits);
    expect(await entries()).toHaveLength(1);
  });

  it("when two processes write the entry at the same time", async () => {
    const script = fileURLToPath(new URL("step-apart.mts", import.meta.url));
    const words = ["--import", import.meta.resolve("tsx"), script, tiny, cache.folder];
    const apart = () => promisify(execFile)(process.execPath, words);
    const both = await Promise.all([apart(), apart()]);
    for (const { stdout, stderr } of both)
      expect({ bits: stdout.trim(), stderr }).toEqual({ bits: plain.bits, stderr: "" });
    expect(await entries()).toHaveLength(1);
    const left = await readdir(kernels());
    expect(left.filter((name) => name.endsWith(".tmp"))).toEqual([]);
    const written = await identity(await theEntry());
    expect(await served(cache)).toBeGreaterThan(10);
    expect(await identity(await theEntry())).toBe(written);
  });
});

describe("an entry is rejected and written again", () => {
  const damage: Readonly<Record<string, (path: string) => Promise<void>>> = {
    "with one bit turned": async (path) => {
      const { tensors } = await openSafetensors(path);
      const { byteOffset } = [...tensors.values()][3]!;
      const file = await open(path, "r+");
      const byte = new Uint8Array(1);
      await file.read(byte, 0, 1, byteOffset);
      await file.write(Uint8Array.of(byte[0]! ^ 1), 0, 1, byteOffset);
      await file.close();
    },
    "cut short": async (path) => truncate(path, (await stat(path)).size - 100),
    "with something after it": (path) => appendFile(path, "more"),
    "that is empty": (path) => truncate(path, 0),
    "that is gone": (path) => rm(path),
    "without its label, as a process killed between the two leaves it": (path) =>
      rm(path.replace(".safetensors", ".json")),
    "with half a label": (path) => writeFile(path.replace(".safetensors", ".json"), '{"sha'),
  };
  it.each(Object.keys(damage))("%s", async (how) => {
    await keepTiny();
    const sound = await new ModelCache(cache).sha256(await theEntry());
    await damage[how]!(await theEntry());
    expect((await stepOf(tiny, cache)).bits).toBe(plain.bits);
    expect(await new ModelCache(cache).sha256(await theEntry())).toBe(sound);
    expect(notes).toEqual([]);
  });
});

it("other weights of the same size and modification time are another entry", async () => {
  await keepTiny();
  const folder = await copyOfTiny();
  expect(await served(cache, folder)).toBeGreaterThan(10);
  const path = join(folder, "unet", "diffusion_pytorch_model.safetensors");
  const { byteOffset } = (await openSafetensors(path)).tensors.get("down_blocks.0.resnets.0.conv1.weight")!;
  const { atime, mtime } = await stat(path);
  const file = await open(path, "r+");
  await file.write(new Uint8Array(Float32Array.of(0.75).buffer), 0, 4, byteOffset);
  await file.utimes(atime, mtime);
  await file.close();

  const changed = await stepOf(folder);
  expect(changed.bits).not.toBe(plain.bits);
  expect(await stepOf(folder, cache)).toMatchObject({ bits: changed.bits, weightHash: changed.weightHash });
  expect(await entries()).toHaveLength(2);
});

it("a copy of the model in another folder uses the same entry", async () => {
  await keepTiny();
  expect((await stepOf(await copyOfTiny(), cache)).bits).toBe(plain.bits);
  expect(await entries()).toHaveLength(1);
});

describe("within its limit", () => {
  it("the least recently used entry goes first", async () => {
    const mini = (await openFixture("tiny-mini")).folder;
    await keepTiny();
    const [first] = await entries();
    await stepOf(mini, cache);
    const second = (await entries()).find((name) => name !== first)!;
    expect(await served(cache)).toBeGreaterThan(10);
    const third = await copyOfTiny();
    const path = join(third, "unet", "diffusion_pytorch_model.safetensors");
    const { byteOffset } = (await openSafetensors(path)).tensors.get("conv_in.weight")!;
    const file = await open(path, "r+");
    await file.write(new Uint8Array(4), 0, 4, byteOffset);
    await file.close();
    const limit = 2 * (await stat(join(kernels(), first!))).size;

    await stepOf(third, { ...cache, limit });
    const left = await entries();
    expect(left).toHaveLength(2);
    expect(left).toContain(first);
    expect(left).not.toContain(second);
    expect((await new ModelCache(cache).use()).bytes).toBeLessThanOrEqual(limit);
  });

  it("weights above the limit are computed and not stored", async () => {
    expect((await stepOf(tiny, { ...cache, limit: 1000 })).bits).toBe(plain.bits);
    await expect(readdir(kernels())).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("small weights are computed and not stored", async () => {
    expect((await stepOf(tiny, { ...cache, least: 2 ** 30 })).bits).toBe(plain.bits);
    await expect(readdir(kernels())).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("a partial file of a killed process is deleted", async () => {
    await keepTiny();
    const [old, fresh] = [".a.tmp", ".b.tmp"].map((name) => join(kernels(), name)) as [string, string];
    for (const path of [old, fresh]) await writeFile(path, "half");
    const file = await open(old, "r+");
    await file.utimes(1, 1);
    await file.close();
    expect(await new ModelCache(cache).use()).toMatchObject({ entries: 1 });
    expect((await readdir(kernels())).filter((name) => name.endsWith(".tmp"))).toEqual([".b.tmp"]);
  });
});

describe("if the folder is not writable", () => {
  it("the step is computed, and the reason is reported once", async () => {
    await writeFile(join(scratch, "cache"), "a file, where the folder should be");
    expect((await stepOf(tiny, cache)).bits).toBe(plain.bits);
    expect(notes).toEqual([expect.stringMatching(/^The model cache cannot be used.*cache/)]);
  });

  it("an entry that disappears before it is mapped is computed", async () => {
    await keepTiny();
    const graph = stepGraph(await readModelFolder(tiny));
    const loads: number[] = [];
    await new ModelCache(cache).serve(graph, async (stored) => {
      loads.push(stored.size);
      if (stored.size) throw new Error("the file is not there");
    });
    expect(loads).toEqual([expect.any(Number), 0]);
    expect(notes).toEqual([expect.stringContaining("the file is not there")]);
  });

  it("a model that does not load reports its own error, with any cache", async () => {
    await keepTiny();
    const graph = stepGraph(await readModelFolder(tiny));
    const failing = new ModelCache(cache).serve(graph, async (stored) => {
      throw new Error(stored.size ? "with" : "without");
    });
    await expect(failing).rejects.toThrow("without");
    expect(notes).toEqual([]);
  });
});

it("clearing deletes all entries and nothing else in the folder", async () => {
  await keepTiny();
  await writeFile(join(cache.folder, "mine"), "");
  const kept = new ModelCache(cache);
  const { bytes } = await kept.use();
  expect(await kept.clear()).toBe(bytes);
  expect(await readdir(cache.folder)).toEqual(["mine"]);
  expect((await stepOf(tiny, cache)).bits).toBe(plain.bits);
});
