import type { Command } from "commander";
import type { Context } from "../../cli/context.ts";
import { nonEmpty, oneOf, wholeNumber } from "../../cli/parse-values.ts";
import { shellWords } from "../../cli/shell-words.ts";
import { transferProgress } from "../../cli/transfer-progress.ts";
import type { LayoutName } from "./write-random-model.ts";

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

/** Adds `npm run research -- random-model`. */
export function addRandomModelCommand(program: Command, context: Context): void {
  program
    .command("random-model")
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
  const { writeRandomModel } = await import("./write-random-model.ts");
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
          `Its images are noise. Use it:  npx visii learn --model ${shellWords([out])} --pair BEFORE AFTER --out FILE.visii`,
  );
}
