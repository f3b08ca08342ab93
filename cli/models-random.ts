import type { Command } from "commander";
import type { LayoutName } from "visii-engine/internal/model-store/write-random-model";
import type { Context } from "./context.ts";
import { nonEmpty, oneOf, wholeNumber } from "./parse-values.ts";
import { shellWords } from "./shell-words.ts";
import { transferProgress } from "./transfer-progress.ts";

interface RandomOptions {
  readonly like: LayoutName;
  readonly out: string;
  readonly seed: number;
  readonly variant?: "fp16";
  readonly json?: boolean;
}

const names = [
  "instruct-pix2pix",
  "sdxl-instruct-pix2pix",
  "tiny-instruct-pix2pix",
  "tiny-sdxl-instruct-pix2pix",
] as const satisfies readonly LayoutName[];

export function addModelsRandomCommand(models: Command, context: Context): void {
  models
    .command("random")
    .description(
      "write a model folder of a published architecture with random weights, for benchmarks and tests",
    )
    .requiredOption("--like <name>", names.join(", "), oneOf("--like", names))
    .requiredOption("--out <DIR>", "a new folder", nonEmpty("--out"))
    .option("--seed <S>", "same seed, same weights", wholeNumber("--seed", 0), 0)
    .option("--variant <name>", "fp16: weights in half precision", oneOf("--variant", ["fp16"] as const))
    .action((options: RandomOptions) => random(context, options));
}

async function random({ progress, signal, print }: Context, options: RandomOptions): Promise<void> {
  const { writeRandomModel } = await import("visii-engine/internal/model-store/write-random-model");
  const { like, out, seed, variant } = options;
  const started = performance.now();
  const { parameters, bytes } = await writeRandomModel(out, {
    like,
    seed,
    signal,
    ...(variant ? { variant } : {}),
    onProgress: transferProgress(progress, "writing"),
  }).finally(() => progress.clear());
  const seconds = Number(((performance.now() - started) / 1000).toFixed(1));
  const summary = { out, like, seed, variant: variant ?? null, parameters, bytes, seconds };
  print(
    options.json
      ? JSON.stringify(summary)
      : `Wrote ${out}: ${(parameters / 1e6).toFixed(1)} million random parameters, ${(bytes / 1e9).toFixed(2)} GB, in ${seconds} s.\n` +
          `Its pictures are noise. Use it:  visii learn --model ${shellWords([out])} --pair BEFORE AFTER --out FILE.visii`,
  );
}
