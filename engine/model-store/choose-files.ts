import { VisibleError } from "../errors.ts";
import type { HubFile } from "./hub.ts";

/** A file to download, and its place in the model folder. */
export interface ChosenFile extends HubFile {
  /** Relative to the model folder, with slashes. */
  readonly target: string;
}

interface Choice {
  /** The repository's ID, for messages. */
  readonly subject: string;
  /** `fp16`: weights in half precision, if the repository has separate ones. */
  readonly variant?: string;
}

const components = [
  { folder: "unet", weights: "diffusion_pytorch_model" },
  { folder: "vae", weights: "diffusion_pytorch_model" },
  { folder: "text_encoder", weights: "model" },
] as const;

/** The second text encoder of SDXL's layout. */
const secondTextEncoder = { folder: "text_encoder_2", weights: "model" } as const;

const tokenizerFiles = ["tokenizer_config.json", "special_tokens_map.json", "vocab.json", "merges.txt"];

/**
 * Selects the files that the engine reads from a repository in diffusers layout: configs, tokenizer, and one
 * set of safetensors for each component. Pickles, other variants, ONNX or Flax weights and the safety checker
 * are skipped.
 *
 * @throws VisibleError `not_diffusers_layout`, `pickled_weights`, `variant_not_found`
 */
export function chooseModelFiles(files: readonly HubFile[], choice: Choice): ChosenFile[] {
  const listing = new Listing(files, choice.subject);
  if (!listing.has("model_index.json"))
    throw new VisibleError("not_diffusers_layout", withoutIndex(listing, choice.subject));
  const parts = [...components, ...(listing.hasFolder("text_encoder_2") ? [secondTextEncoder] : [])];
  const tokenizers = ["tokenizer", ...(listing.hasFolder("tokenizer_2") ? ["tokenizer_2"] : [])];
  return listing.take([
    "model_index.json",
    ...listing.those(["visii.json"]),
    ...parts.map(({ folder }) => `${folder}/config.json`),
    "scheduler/scheduler_config.json",
    ...tokenizers.flatMap((folder) => tokenizerOf(listing, folder)),
    ...(listing.hasFolder("pair_encoder") ? pairEncoderFiles(listing, choice) : []),
    ...(listing.hasFolder("clip") ? clipFiles(listing, "clip/", choice.subject) : []),
    ...parts.flatMap(({ folder, weights }) => weightFiles(listing, `${folder}/`, weights, choice)),
  ]);
}

/** Selects the files of a CLIP repository for the model folder's `clip/`. */
export function chooseClipFiles(files: readonly HubFile[], subject: string): ChosenFile[] {
  const listing = new Listing(files, subject);
  return listing
    .take(clipFiles(listing, "", subject))
    .map((file) => ({ ...file, target: `clip/${file.path}` }));
}

/** The pair encoder is small and has one precision; the variant applies to the other components. */
function pairEncoderFiles(listing: Listing, { subject }: Choice): string[] {
  return ["pair_encoder/config.json", ...weightFiles(listing, "pair_encoder/", "model", { subject })];
}

function clipFiles(listing: Listing, prefix: string, subject: string): string[] {
  return [
    `${prefix}config.json`,
    `${prefix}preprocessor_config.json`,
    ...weightFiles(listing, prefix, "model", { subject }),
  ];
}

function tokenizerOf(listing: Listing, folder: string): string[] {
  const found = listing.those(tokenizerFiles.map((name) => `${folder}/${name}`));
  const whole = ["vocab.json", "merges.txt"].every((name) => listing.has(`${folder}/${name}`));
  return whole ? found : [...found, ...listing.those([`${folder}/tokenizer.json`])];
}

/** One file, or its shards with their index. */
function weightFiles(listing: Listing, prefix: string, basename: string, choice: Choice): string[] {
  const { subject, variant } = choice;
  const middle = variant === undefined ? "" : `.${variant}`;
  const whole = `${prefix}${basename}${middle}.safetensors`;
  if (listing.has(whole)) return [whole];
  const index = `${prefix}${basename}.safetensors.index.json`;
  if (variant === undefined && listing.has(index)) {
    const shard = new RegExp(`^${prefix}${basename}-\\d+-of-\\d+\\.safetensors$`);
    return [index, ...listing.matching(shard)];
  }
  const others = listing.matching(new RegExp(`^${prefix}${basename}[^/]*\\.safetensors$`));
  if (others.length > 0)
    throw new VisibleError(
      "variant_not_found",
      `${subject} has no ${whole}, but has ${others.join(", ")}; ${variant ? "omit --variant" : "select that variant with --variant"}.`,
    );
  const pickles = listing.matching(new RegExp(`^${prefix}[^/]*\\.(bin|ckpt|pt|pth)$`));
  if (pickles.length > 0)
    throw new VisibleError(
      "pickled_weights",
      `${subject} has only a Python pickle (${pickles[0]}), which can run code when loaded. Look for a revision ` +
        `with safetensors (often --revision refs/pr/1), or convert it on an isolated machine and use --model DIR: ${conversionOf(prefix, subject)}`,
    );
  throw new VisibleError(
    "not_diffusers_layout",
    `${subject} has no ${whole}; visii needs models in diffusers layout, such as timbrooks/instruct-pix2pix.`,
  );
}

/** A command that loads a model with pickles and saves it with safetensors. */
function conversionOf(prefix: string, subject: string): string {
  const [library, name] = prefix === "" ? ["transformers", "CLIPModel"] : ["diffusers", "DiffusionPipeline"];
  const folder = prefix === "" ? "DIR/clip" : "DIR";
  return `python3 -c "from ${library} import ${name} as M; M.from_pretrained('${subject}').save_pretrained('${folder}')"`;
}

function withoutIndex(listing: Listing, subject: string): string {
  const single = listing.matching(/^[^/]+\.(ckpt|safetensors)$/);
  const why =
    single.length > 0
      ? `it contains only the single file ${single[0]}; convert it with diffusers first`
      : "it is not an image model in diffusers' layout";
  return `${subject} has no model_index.json: ${why}.`;
}

class Listing {
  readonly #subject: string;
  readonly #files: ReadonlyMap<string, HubFile>;

  constructor(files: readonly HubFile[], subject: string) {
    this.#subject = subject;
    this.#files = new Map(files.map((file) => [file.path, file]));
  }

  has(path: string): boolean {
    return this.#files.has(path);
  }

  hasFolder(folder: string): boolean {
    return this.#files.has(`${folder}/config.json`) || this.#files.has(`${folder}/tokenizer_config.json`);
  }

  those(paths: readonly string[]): string[] {
    return paths.filter((path) => this.has(path));
  }

  matching(pattern: RegExp): string[] {
    return [...this.#files.keys()].filter((path) => pattern.test(path)).sort();
  }

  /** @throws VisibleError `not_diffusers_layout` */
  take(paths: readonly string[]): ChosenFile[] {
    return paths.map((path) => {
      const file = this.#files.get(path);
      if (!file)
        throw new VisibleError(
          "not_diffusers_layout",
          `${this.#subject} has no ${path}, which visii requires.`,
        );
      return { ...file, target: path };
    });
  }
}
