import { readdir, realpath } from "node:fs/promises";
import { isAbsolute, join, relative, sep } from "node:path";
import { VisibleError } from "../errors.ts";
import { openSafetensors, type SafetensorsFile } from "./safetensors-file.ts";
import type { TensorEntry } from "./safetensors-header.ts";
import { readShardIndex } from "./shard-index.ts";

/** The weights of one model component, in one or several files. */
export interface Checkpoint {
  readonly folder: string;
  readonly files: readonly SafetensorsFile[];
  /** Names of all tensors. */
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
 * Finds and opens the weights `basename` of a folder in diffusers layout: `basename.safetensors`, else
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

  const pickles = picklesOf(present, basename).map((name) => join(folder, name));
  if (pickles.length)
    throw new VisibleError(
      "pickled_weights",
      `${pickles[0]} is a Python pickle, which can run code when loaded; convert it to ${basename}.safetensors: ` +
        conversionOf(pickles, join(folder, `${basename}.safetensors`)),
    );
  const shard = [...present].find((name) => /-\d+-of-\d+\.safetensors$/.test(name));
  throw new VisibleError(
    "weights_not_found",
    shard === undefined
      ? `${folder} has no ${basename}.safetensors; download the model's safetensors files into it.`
      : `${folder} has the shard ${shard} but no ${indexName}; download that file too.`,
  );
}

/** The pickle named `basename`, else another `.bin`, such as transformers' `pytorch_model.bin`; with all its shards. */
function picklesOf(present: ReadonlySet<string>, basename: string): readonly string[] {
  const pickles = [...present].filter((name) => pickleEndings.some((ending) => name.endsWith(ending)));
  const chosen =
    pickles.find((name) => pickleEndings.some((ending) => name === `${basename}${ending}`)) ??
    pickles.find((name) => name.startsWith(`${basename}-`)) ??
    pickles.find((name) => name.endsWith(".bin")) ??
    pickles[0];
  if (chosen === undefined) return [];
  const series = (name: string) => name.replace(/-\d+(-of-\d+\.\w+)$/, "$1");
  return pickles.filter((name) => series(name) === series(chosen));
}

/** A shell command that reads the tensors of pickles without running their code, and writes them as safetensors. */
function conversionOf(pickles: readonly string[], safetensors: string): string {
  const quoted = [...pickles, safetensors].map((path) => `'${path.replaceAll("'", "'\\''")}'`);
  return (
    'python3 -c "import sys, torch; from safetensors.torch import save_file; *pickles, to = sys.argv[1:]; ' +
    "load = lambda p: torch.load(p, map_location='cpu', weights_only=True); " +
    'save_file({k: v.clone(memory_format=torch.contiguous_format) for p in pickles for k, v in load(p).items()}, to)" ' +
    quoted.join(" ")
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
        `${join(folder, shard)} is missing but listed in ${indexName}; download that shard too.`,
      );
    opened.set(shard, await openInside(folder, shard));
  }
  const fileOf = new Map<string, SafetensorsFile>();
  for (const [name, shard] of shardOf) {
    const file = opened.get(shard)!;
    if (!file.tensors.has(name))
      throw new VisibleError(
        "invalid_weights",
        `${indexPath} lists tensor "${name}" in ${shard}, which does not contain it; download both again.`,
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
          `The weights in ${folder} have no tensor "${name}"; check that config.json belongs to these weights.`,
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

/** onnxruntime maps weight files by path and rejects links to outside the model folder; check this first. */
async function insideOf(folder: string, name: string): Promise<void> {
  if (!(await leadsOutside(folder, name))) return;
  throw new VisibleError(
    "weights_outside_folder",
    `${join(folder, name)} is a link to outside its folder; replace it by a copy (with the Hugging Face CLI: --local-dir).`,
  );
}

/**
 * Whether `name` in `folder`, after resolving links, is outside the folder.
 *
 * @throws VisibleError `weights_not_found` for a link to nothing
 */
export async function leadsOutside(folder: string, name: string): Promise<boolean> {
  const path = join(folder, name);
  const [root, target] = await Promise.all([realpath(folder), realpath(path)]).catch((cause: unknown) => {
    throw new VisibleError(
      "weights_not_found",
      `${path} does not exist or is a broken link; copy the file into the folder.`,
      { cause },
    );
  });
  const way = relative(root, target);
  return way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way);
}
