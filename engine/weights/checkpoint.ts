import { readdir, realpath } from "node:fs/promises";
import { isAbsolute, join, relative, sep } from "node:path";
import { VisibleError } from "../errors.ts";
import { openSafetensors, type SafetensorsFile } from "./safetensors-file.ts";
import type { TensorEntry } from "./safetensors-header.ts";
import { readShardIndex } from "./shard-index.ts";

/** The weights of one model component, in one file or in several. */
export interface Checkpoint {
  readonly folder: string;
  readonly files: readonly SafetensorsFile[];
  /** Every tensor's name. */
  readonly names: ReadonlySet<string>;
  /** @throws VisibleError `tensor_not_found` */
  tensor(name: string): TensorLocation;
}

interface TensorLocation {
  readonly file: SafetensorsFile;
  readonly entry: TensorEntry;
}

const pickleEndings = [".bin", ".ckpt", ".pt", ".pth"];

/**
 * Find and open the weights `basename` of a diffusers-layout folder: `basename.safetensors`, else
 * `basename.fp16.safetensors`, else the shards of `basename.safetensors.index.json`.
 *
 * @throws VisibleError `weights_not_found`, `pickled_weights`, `weights_outside_folder`, `invalid_weights`
 */
export async function openCheckpoint(folder: string, basename: string): Promise<Checkpoint> {
  const present = new Set(await list(folder));
  for (const candidate of [`${basename}.safetensors`, `${basename}.fp16.safetensors`]) {
    if (!present.has(candidate)) continue;
    const file = await openInside(folder, candidate);
    return checkpointOf(folder, new Map([...file.tensors.keys()].map((name) => [name, file])));
  }
  const indexName = `${basename}.safetensors.index.json`;
  if (present.has(indexName)) return openShards(folder, indexName, present);

  const pickle = [...present].find((name) => pickleEndings.some((ending) => name.endsWith(ending)));
  if (pickle !== undefined)
    throw new VisibleError(
      "pickled_weights",
      `${join(folder, pickle)} is a Python pickle, which can run code when read; convert it to ${basename}.safetensors.`,
    );
  const shard = [...present].find((name) => /-\d+-of-\d+\.safetensors$/.test(name));
  throw new VisibleError(
    "weights_not_found",
    shard === undefined
      ? `${folder} has no ${basename}.safetensors; download the model's safetensors files into it.`
      : `${folder} has the shard ${shard} and no ${indexName} that says what is in it; download that file too.`,
  );
}

async function openShards(
  folder: string,
  indexName: string,
  present: ReadonlySet<string>,
): Promise<Checkpoint> {
  const indexPath = join(folder, indexName);
  await insideOf(folder, indexName);
  const shardOf = await readShardIndex(indexPath);
  const opened = new Map<string, SafetensorsFile>();
  for (const shard of new Set(shardOf.values())) {
    if (!present.has(shard))
      throw new VisibleError(
        "weights_not_found",
        `${join(folder, shard)} is missing, though ${indexName} lists it; download that shard too.`,
      );
    opened.set(shard, await openInside(folder, shard));
  }
  const fileOf = new Map<string, SafetensorsFile>();
  for (const [name, shard] of shardOf) {
    const file = opened.get(shard)!;
    if (!file.tensors.has(name))
      throw new VisibleError(
        "invalid_weights",
        `${indexPath} puts tensor "${name}" into ${shard}, which does not have it; download both again.`,
      );
    fileOf.set(name, file);
  }
  return checkpointOf(folder, fileOf);
}

function checkpointOf(folder: string, fileOf: ReadonlyMap<string, SafetensorsFile>): Checkpoint {
  return {
    folder,
    files: [...new Set(fileOf.values())],
    names: new Set(fileOf.keys()),
    tensor(name) {
      const file = fileOf.get(name);
      const entry = file?.tensors.get(name);
      if (file === undefined || entry === undefined)
        throw new VisibleError(
          "tensor_not_found",
          `The weights in ${folder} have no tensor "${name}"; they do not fit the config beside them.`,
        );
      return { file, entry };
    },
  };
}

async function list(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (cause) {
    throw new VisibleError(
      "weights_not_found",
      `${folder} is not a readable folder; check the model's path.`,
      { cause },
    );
  }
}

async function openInside(folder: string, name: string): Promise<SafetensorsFile> {
  await insideOf(folder, name);
  return openSafetensors(join(folder, name));
}

/** The runtime maps weight files by path and refuses one that a link takes out of the model's folder; so do we, first. */
async function insideOf(folder: string, name: string): Promise<void> {
  if (!(await leadsOutside(folder, name))) return;
  throw new VisibleError(
    "weights_outside_folder",
    `${join(folder, name)} is a link out of its folder; copy the file itself there (with the Hugging Face CLI: --local-dir).`,
  );
}

/**
 * Whether `name` in `folder`, all links followed, lies outside of it.
 *
 * @throws VisibleError `weights_not_found` for a link to nothing
 */
export async function leadsOutside(folder: string, name: string): Promise<boolean> {
  const path = join(folder, name);
  const [root, target] = await Promise.all([realpath(folder), realpath(path)]).catch((cause: unknown) => {
    throw new VisibleError(
      "weights_not_found",
      `${path} is a link to nothing, or not there; copy what it stands for into the folder.`,
      { cause },
    );
  });
  const way = relative(root, target);
  return way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way);
}
