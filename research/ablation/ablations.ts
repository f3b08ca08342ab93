import { VisibleError } from "../../engine/errors.ts";
import type { CaseFiles } from "../../engine/evaluation/evaluation-case.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";
import type { SchedulerKind } from "../../engine/schedulers/create-scheduler.ts";
import type { Ablation, CaseInit, Variant } from "./ablation.ts";

/** Guidance at which the frozen branches have weight, near the bundled model's default. */
const guided = { textGuidance: 1.5, imageGuidance: 1.2 } as const;

/** Two of four steps each. */
const guidanceIntervals = [
  [0, 0.5],
  [0.25, 0.75],
  [0.5, 1],
] as const;

/** Samplers with their numbers of steps. Heun does not support the bundled model's zero terminal SNR. */
const samplers: readonly (readonly [SchedulerKind, readonly number[]])[] = [
  ["ddim", [1, 2, 4, 8, 20]],
  ["dpmpp-2m-karras", [2, 4, 8]],
  ["unipc", [2, 4, 8]],
  ["euler", [4]],
  ["euler-ancestral", [4, 8]],
];

/** Steps, batch size and learning rate of short runs. The first was the default of the bundled model before. */
const updates = [
  [30, 2, 0.05],
  [40, 2, 0.15],
  [80, 1, 0.05],
  [80, 1, 0.15],
  [80, 1, 0.4],
  [20, 4, 0.15],
] as const;

/** Compared values of s_T; the paper uses 7.5. */
const textGuidances = [1, 1.5, 2, 3, 5] as const;

/**
 * The paper's ablations and this project's. Cheap ones and the paper's come first, so that an interrupted run
 * has them.
 */
export const ablations: readonly Ablation[] = [
  {
    name: "clip",
    title: "With and without the CLIP loss",
    about: "Learning with L_clip at the paper's weight of 0.1, and without L_clip.",
    baseline: "with",
    variants: [
      { name: "with", label: "with L_clip (default)" },
      { name: "without", label: "without L_clip", learning: { overrides: { clipWeight: 0 } } },
    ],
  },
  {
    name: "init",
    title: "What learning starts from",
    about:
      "Learning starts from one of these: the model's generic words; the rows that its pair encoder predicts; a caption of the after image found by PEZ, as in the paper; the caption in case.json; words for the edit found by PEZ, as with `visii learn --caption`; the nearest of the model's phrases, as with `visii learn --caption phrase`; the case's first text, which describes the edit.",
    baseline: "generic",
    variants: [
      { name: "generic", label: "generic words", learning: { start: "words" } },
      { name: "pair", label: "the pair encoder's rows", learning: { start: "pair" } },
      { name: "caption", label: "caption of the after image", init: "caption" },
      { name: "look", label: "given caption of its look", init: "look" },
      { name: "edit-caption", label: "words for the edit", init: "edit-caption" },
      { name: "phrase", label: "nearest phrase", init: "phrase" },
      { name: "truth", label: "the case's own text", init: "text" },
    ],
  },
  {
    name: "start",
    title: "From the pair encoder and from words",
    about:
      "Learning starts from the pair encoder's rows or from the model's generic words and takes the given number of steps. With 0 steps, the pair encoder's rows are used unchanged.",
    baseline: "words-300",
    variants: [
      ...[0, 30, 80, 300].map((steps) => ({
        name: `pair-${steps}`,
        label: steps ? `pair encoder, ${steps} steps` : "pair encoder alone",
        learning: { start: "pair" as const, steps },
      })),
      ...[30, 80, 300].map((steps) => ({
        name: `words-${steps}`,
        label: `words, ${steps} steps`,
        learning: { start: "words" as const, steps },
      })),
    ],
  },
  {
    name: "guidance",
    title: "Guidance inside the loss",
    about:
      "Each instruction is learned and applied at the same text guidance. The image guidance is the model's default.",
    axis: { label: "text guidance", log: true },
    baseline: "1",
    variants: textGuidances.map((textGuidance) => ({
      name: String(textGuidance),
      label: String(textGuidance),
      x: textGuidance,
      learning: { textGuidance },
      editing: { textGuidance },
    })),
  },
  {
    name: "edit-guidance",
    title: "Guidance at editing alone",
    about:
      "The same instructions, learned at the model's default guidance, are applied at each text guidance.",
    axis: { label: "text guidance", log: true },
    baseline: "1",
    variants: textGuidances.map((textGuidance) => ({
      name: String(textGuidance),
      label: String(textGuidance),
      x: textGuidance,
      editing: { textGuidance },
    })),
  },
  {
    name: "sampling",
    title: "Steps of sampling",
    about: "The same instructions are applied in 1 to 20 steps of the model's default sampler.",
    axis: { label: "sampling steps", log: true },
    baseline: "1",
    variants: [1, 2, 4, 8, 20].map((steps) => ({
      name: String(steps),
      label: String(steps),
      x: steps,
      editing: { steps },
    })),
  },
  {
    name: "samplers",
    title: "Samplers, steps and guidance",
    about:
      "The same instructions are applied with each sampler at several step counts. The last line uses a text guidance of 1.5 and an image guidance of 1.2, which takes three evaluations per step instead of one.",
    baseline: "ddim-4",
    variants: [
      ...samplers.flatMap(([scheduler, counts]) =>
        counts.map((steps) => ({
          name: `${scheduler}-${steps}`,
          label: `${scheduler}, ${steps} ${steps === 1 ? "step" : "steps"}`,
          editing: { scheduler, steps },
        })),
      ),
      {
        name: "ddim-4-guided",
        label: "ddim, 4 steps, guidance 1.5 / 1.2",
        editing: { scheduler: "ddim", steps: 4, ...guided },
      },
    ],
  },
  {
    name: "interval",
    title: "Guidance interval",
    about:
      "The same instructions are applied in 4 steps of DDIM without guidance, and with text guidance 1.5 and image guidance 1.2 in all steps or in two of them.",
    baseline: "all",
    variants: [
      { name: "none", label: "guidance 1 / 1 (default)", editing: { scheduler: "ddim", steps: 4 } },
      {
        name: "all",
        label: "1.5 / 1.2 in all steps",
        editing: { scheduler: "ddim", steps: 4, ...guided },
      },
      ...guidanceIntervals.map((guidanceInterval) => ({
        name: guidanceInterval.join("-"),
        label: `1.5 / 1.2 in the interval ${guidanceInterval.join(",")}`,
        editing: { scheduler: "ddim" as const, steps: 4, ...guided, guidanceInterval },
      })),
    ],
  },
  {
    name: "noise",
    title: "Fixed and fresh noise at editing",
    about:
      "The same instructions are applied with the noise of learning and with new noise for each photo, using the model's default sampler and 4 ancestral steps, which add noise at each step.",
    baseline: "fixed",
    variants: [
      { name: "fixed", label: "fixed (default)" },
      { name: "fresh", label: "fresh", editing: { noise: "fresh" } },
      { name: "fixed-4", label: "fixed, 4 steps", editing: { steps: 4, scheduler: "euler-ancestral" } },
      {
        name: "fresh-4",
        label: "fresh, 4 steps",
        editing: { noise: "fresh", steps: 4, scheduler: "euler-ancestral" },
      },
    ],
  },
  {
    name: "pairs",
    title: "How many pairs",
    about:
      "Each instruction is learned from the first pair or from the first two, in the same number of steps.",
    axis: { label: "pairs", log: false },
    baseline: "1",
    variants: [1, 2].map((pairs) => ({
      name: String(pairs),
      label: pairs === 1 ? "1 pair (default)" : `${pairs} pairs`,
      x: pairs,
      pairs,
    })),
  },
  {
    name: "steps",
    title: "How many steps",
    about:
      "Each step updates the instruction with one sample. The learning rate falls to nearly zero over each run.",
    axis: { label: "steps", log: true },
    baseline: "80",
    variants: [20, 40, 80, 300, 1000].map((steps) => ({
      name: String(steps),
      label: steps === 80 ? "80 (default)" : String(steps),
      x: steps,
      learning: { steps },
    })),
  },
  {
    name: "rate",
    title: "Learning rate and batch size",
    about:
      "Learning from the pair encoder's rows in about 80 samples, with several learning rates and batch sizes.",
    baseline: "80-1-0.15",
    variants: updates.map(([steps, batchSize, learningRate]) => ({
      name: `${steps}-${batchSize}-${learningRate}`,
      label: `${steps} steps of ${batchSize}, rate ${learningRate}${steps === 80 && learningRate === 0.15 ? " (default)" : ""}`,
      learning: { start: "pair" as const, steps, batchSize, learningRate },
    })),
  },
  {
    name: "loop",
    title: "The paper's loop and ours",
    about:
      "Both loops start from the model's generic words. The paper's loop takes 1000 steps of one sample at a constant learning rate and keeps the rows of the lowest single-step loss. It uses our guidance and learning rate, because its rate of 0.001 is far too low for this model.",
    baseline: "default",
    variants: [
      { name: "default", label: "ours", learning: { start: "words" } },
      { name: "paper", label: "the paper's loop", learning: { loop: "reference" }, atModelsRate: true },
    ],
  },
  {
    name: "space",
    title: "Text embedding, or keys and values",
    about:
      "Learning changes rows of the text embedding, or the keys and values of every cross-attention layer, at the model's learning rate for each.",
    baseline: "text",
    variants: [
      { name: "text", label: "text embedding (default)" },
      { name: "kv", label: "keys and values", learning: { space: "kv" } },
    ],
  },
  {
    name: "branches",
    title: "Frozen branches kept or evaluated at every step",
    about:
      "Learning takes 100 steps, and both learning and editing use guidance 1.5 / 1.2. At the model's default guidance of 1 / 1, these branches have weight 0 and are never evaluated.",
    baseline: "cached",
    variants: [
      {
        name: "cached",
        label: "kept, for 64 fixed samples (default)",
        learning: { ...guided, steps: 100, overrides: { frozenBranches: "cached", samples: 64 } },
        editing: guided,
      },
      {
        name: "recomputed",
        label: "evaluated at every step, every timestep",
        learning: {
          ...guided,
          steps: 100,
          overrides: { frozenBranches: "recomputed", samples: "every timestep" },
        },
        editing: guided,
      },
    ],
  },
];

/** The ablation without variants that the model or the cases do not support, at the model's rates. */
export function ablationFor(
  { defaults }: Pick<Pipeline, "defaults">,
  { variants, ...ablation }: Ablation,
  cases: readonly Pick<CaseFiles, "description">[],
): Ablation {
  const { describe, phrases } = defaults.captions;
  const possible: Readonly<Record<CaseInit, boolean>> = {
    caption: true,
    "edit-caption": describe === "edit",
    phrase: phrases !== undefined,
    look: cases.every(({ description }) => description.caption_after !== undefined),
    text: true,
  };
  const { textGuidance, imageGuidance, learningRate } = defaults.inversion;
  return {
    ...ablation,
    variants: variants
      .filter(({ init, learning }) => (init ? possible[init] : true) && startsWith(defaults, learning))
      .map((variant) =>
        variant.atModelsRate
          ? { ...variant, learning: { ...variant.learning, textGuidance, imageGuidance, learningRate } }
          : variant,
      ),
  };
}

function startsWith({ start }: Pipeline["defaults"], learning: Variant["learning"]): boolean {
  return learning?.start !== "pair" || start === "pair";
}

/** Parses `clip,steps`. @throws VisibleError `invalid_option` */
export function chooseAblations(list: string | undefined): readonly Ablation[] {
  if (list === undefined) return ablations;
  const names = list.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !ablations.some((ablation) => ablation.name === name));
  if (unknown !== undefined)
    throw new VisibleError(
      "invalid_option",
      `Unknown ablation "${unknown}"; use ${ablations.map(({ name }) => name).join(", ")}.`,
    );
  return ablations.filter(({ name }) => names.includes(name));
}
