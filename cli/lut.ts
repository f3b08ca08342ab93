import { dirname } from "node:path";
import { type Command, Option } from "commander";
import { VisibleError } from "visii-engine/errors";
import { decodeImage, withTransparency, writeImage } from "visii-engine/images";
import { applyLut, colorMapPsnr, fitLut, lutSizes, readCube, writeCube } from "visii-engine/lut";
import type { MetadataMode } from "visii-engine/options";
import type { PairNames } from "./collect-pairs.ts";
import type { Context } from "./context.ts";
import { addMetadataOption } from "./metadata-option.ts";
import { type InputFile, outputPaths } from "./output-paths.ts";
import { nonEmpty, wholeNumber } from "./parse-values.ts";
import { readPairs } from "./read-pairs.ts";
import { shellWords } from "./shell-words.ts";

interface LutOptions {
  readonly out: string;
  readonly size: number;
  readonly apply?: string;
  readonly metadata: MetadataMode;
  readonly json?: boolean;
}

/**
 * Below this PSNR in dB the table is written with a warning, because the pair shows more than a color change.
 */
const poorDecibels = 25;

/** Adds `visii lut`. `pairs` were extracted from the arguments before commander parsed them. */
export function addLutCommand(program: Command, context: Context, pairs: readonly PairNames[]): void {
  const command = program
    .command("lut")
    .description("fit a 3D lookup table (.cube) to a pair that changes only colors, or apply one to images")
    .usage(
      "--pair BEFORE AFTER [--pair …] --out FILE.cube [--size N]\n       visii lut --apply FILE.cube IMAGE… --out DIR",
    )
    .argument("[IMAGE...]", "with --apply: JPEG, PNG, WebP, AVIF, HEIC or TIFF")
    .option("--pair <BEFORE AFTER>", "two photos of the same scene, before and after the edit; repeatable")
    .requiredOption(
      "--out <FILE.cube|DIR>",
      "output file for the table; with --apply, folder for the results",
      nonEmpty("--out"),
    )
    .option("--size <N>", `table entries per axis, ${lutSizes.min} to ${lutSizes.max}`, tableSize, 33)
    .addOption(
      new Option("--apply <FILE.cube>", "a 3D lookup table to apply").argParser(nonEmpty("--apply")),
    );
  addMetadataOption(command).action((images: string[], options: LutOptions) =>
    options.apply === undefined
      ? makeTable(context, pairs, images, options)
      : applyTable(context, pairs, images, { ...options, apply: options.apply }),
  );
}

function tableSize(text: string): number {
  const size = wholeNumber("--size", 1)(text);
  if (size < lutSizes.min || size > lutSizes.max)
    throw new VisibleError(
      "invalid_option",
      `--size is "${text}"; it must be a whole number from ${lutSizes.min} to ${lutSizes.max}.`,
    );
  return size;
}

async function makeTable(
  { progress, print, folders }: Context,
  names: readonly PairNames[],
  images: readonly string[],
  { out, size, json }: LutOptions,
): Promise<void> {
  if (images.length)
    throw new VisibleError(
      "usage",
      `visii lut --pair does not edit images, but got ${images[0]}; use --apply FILE.cube to edit it.`,
    );
  if (!out.endsWith(".cube"))
    throw new VisibleError("invalid_option", `--out is "${out}"; it must end in .cube.`);
  const pairs = await readPairs(names, (line) => progress.note(line));
  await folders.ensure(dirname(out));
  const decibels = colorMapPsnr(pairs);
  await writeCube(out, fitLut(pairs, size), `visii ${size}`);
  if (decibels < poorDecibels)
    progress.note(
      `The table reaches only ${decibels.toFixed(1)} dB on ${pairs.length === 1 ? "this pair" : "these pairs"}: the edit changes more than colors. visii learn may reproduce it better.`,
    );
  if (json) print(JSON.stringify({ out, size, decibels: Number(decibels.toFixed(2)) }));
  else
    print(
      `${out}: ${size}³ colors, ${decibels.toFixed(1)} dB on held-out parts of the image.\nApply it:  visii lut --apply ${shellWords([out])} PHOTO… --out DIR`,
    );
}

async function applyTable(
  { signal, print, folders }: Context,
  names: readonly PairNames[],
  images: readonly string[],
  { apply, out, metadata, json }: LutOptions & { readonly apply: string },
): Promise<void> {
  if (names.length)
    throw new VisibleError(
      "usage",
      "visii lut needs either --pair (fit a table) or --apply (apply one); give exactly one.",
    );
  if (!images.length)
    throw new VisibleError("usage", `There is no image to apply ${apply} to; give at least one.`);
  const table = await readCube(apply);
  const inputs: InputFile[] = [];
  for (const path of images) inputs.push({ path, format: (await decodeImage(path)).format });
  await folders.ensure(out);
  const results: { readonly input: string; readonly output: string }[] = [];
  for (const [index, [output]] of outputPaths(inputs, out, 1).entries()) {
    signal.throwIfAborted();
    const input = inputs[index]!.path;
    const original = await decodeImage(input);
    const { image, ...file } = withTransparency(original, applyLut(table, original.image));
    await writeImage(output!, image, { ...file, metadataMode: metadata });
    results.push({ input, output: output! });
    if (!json) print(output!);
  }
  if (json) print(JSON.stringify({ results }));
}
