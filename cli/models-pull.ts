import { resolve } from "node:path";
import type { Command } from "commander";
import { parseModelId, storedFolder } from "visii-engine/model-store";
import { defined } from "../shared/defined.ts";
import { systemClock } from "../shared/system-clock.ts";
import type { Context } from "./context.ts";
import { modelStoreRoot } from "./model-location.ts";
import { nonEmpty, oneOf } from "./parse-values.ts";
import { shellWords } from "./shell-words.ts";
import { transferProgress } from "./transfer-progress.ts";

interface PullCommandOptions {
  readonly revision?: string;
  readonly endpoint?: string;
  readonly dir?: string;
  readonly variant?: "fp16";
  readonly clip?: string;
  readonly json?: boolean;
}

const publicHub = "https://huggingface.co";

/** Adds `visii models pull`. */
export function addModelsPullCommand(models: Command, context: Context): void {
  models
    .command("pull")
    .description("download a model from the Hugging Face Hub: only required files, verified, resumable")
    .argument("<ID>", "owner/name, such as timbrooks/instruct-pix2pix")
    .option("--revision <name>", "branch, tag or commit (default: main)", nonEmpty("--revision"))
    .option(
      "--endpoint <URL>",
      "another Hub (default: HF_ENDPOINT, else the public one)",
      nonEmpty("--endpoint"),
    )
    .option(
      "--dir <DIR>",
      "destination folder (default: the model store, where --model finds it by ID)",
      nonEmpty("--dir"),
    )
    .option("--variant <name>", "fp16: weights in half precision", oneOf("--variant", ["fp16"] as const))
    .option(
      "--clip <ID|none>",
      "CLIP model for the direction loss (default: openai/clip-vit-large-patch14)",
      nonEmpty("--clip"),
    )
    .addHelpText("after", "\nGated and private models: set HF_TOKEN to an access token.")
    .action((id: string, options: PullCommandOptions) => pull(context, id, options));
}

async function pull(
  { progress, signal, print }: Context,
  text: string,
  options: PullCommandOptions,
): Promise<void> {
  const { name, revision: inId } = parseModelId(text);
  const revision = options.revision ?? inId;
  const folder = options.dir
    ? resolve(options.dir)
    : storedFolder(modelStoreRoot(), { name, ...defined({ revision }) });
  const { HF_TOKEN: token, HF_ENDPOINT: endpoint } = process.env;
  const { checkModelConfigs, defaultClip, pullModel, requireFamily } = await import("visii-engine/models");
  const started = performance.now();
  const pulled = await pullModel({
    name,
    revision: revision ?? "main",
    folder,
    endpoint: options.endpoint ?? (endpoint || publicHub),
    ...(token ? { token } : {}),
    ...(options.variant ? { variant: options.variant } : {}),
    clip: options.clip ?? defaultClip,
    clock: systemClock,
    signal,
    checkIndex: requireFamily,
    check: checkModelConfigs,
    onProgress: transferProgress(progress, "fetching"),
  }).finally(() => progress.clear());
  const seconds = Number(((performance.now() - started) / 1000).toFixed(1));
  const model = options.dir ?? (revision === undefined ? name : `${name}@${revision}`);
  if (options.json) print(JSON.stringify({ id: name, model, folder, ...pulled, seconds }));
  else {
    const size = `${pulled.files} files, ${(pulled.bytes / 1e9).toFixed(2)} GB, commit ${pulled.commit.slice(0, 12)}`;
    print(
      pulled.fetched === 0
        ? `Nothing to download: ${folder} is complete (${size}).`
        : `Downloaded ${folder}: ${size}.`,
    );
    print(`Use it:  visii learn --model ${shellWords([model])} --pair BEFORE AFTER --out FILE.visii`);
  }
}
