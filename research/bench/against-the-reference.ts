import type { CaseFiles } from "../../engine/evaluation/evaluation-case.ts";
import { openCase } from "../../engine/evaluation/open-case.ts";
import { formatVersionOf, type Instruction } from "../../engine/instruction/instruction.ts";
import type { ImagePair } from "../../engine/inversion/image-pair.ts";
import { invert } from "../../engine/inversion/invert.ts";
import type { Guidance } from "../../engine/pipeline/guidance.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";
import { firstPair, meanPsnrToTruth } from "./measure-case.ts";
import { type ReferenceLoopTask, runReferenceLoop } from "./reference-loop.ts";

/** Quality of edits of unseen photos for a learning budget. */
export interface QualityPoint {
  readonly learner: string;
  readonly case: string;
  readonly seed: number;
  /** UNet evaluations, forward and backward, including validation: one for each branch of each sample. */
  readonly evaluations: number;
  /** Mean PSNR to the true edit over the case's photos, in dB. */
  readonly psnr: number;
}

const paperSteps = 1000;
const checkpoints = [50, 100, 200, 400, 700, paperSteps] as const;
/** Each step evaluates three branches forward and backward. */
const evaluationsOfPaperStep = 6;
export const paperEvaluations = evaluationsOfPaperStep * paperSteps;
const ourSteps = [20, 80, 300] as const;

interface PaperLoop {
  readonly name: string;
  readonly learningRate: number;
  readonly guidance: Guidance;
}

/** The paper's loop as published, and with settings adapted to the model step by step. */
function paperLoops({ defaults }: Pipeline): readonly PaperLoop[] {
  const { textGuidance, imageGuidance, learningRate } = defaults.inversion;
  const guidance = { text: textGuidance, image: imageGuidance };
  const named = `guidance ${textGuidance}/${imageGuidance}`;
  return [
    { name: `paper, ${named}, rate ${learningRate}`, learningRate, guidance },
    { name: `paper, ${named}, rate 0.001`, learningRate: 1e-3, guidance },
    { name: "paper as published", learningRate: 1e-3, guidance: { text: 7.5, image: 1.5 } },
  ];
}

/** Names of learners: this project's loop by what it starts from. */
export const ours = "ours, from the pair encoder";
const oursFromWords = "ours, from words";
/** Suffix for the paper's last instead of best tokens. */
export const lastTokens = ", its last tokens";

/** Resolution of the pipeline, and the longest side of the images, in pixels. */
export const referenceSide = 128;

/**
 * Learns each case's first pair, at 128 px, with this project's loop at increasing numbers of steps, one run
 * each, and with the paper's loop in PyTorch at checkpoints of one run, because its learning rate is constant.
 * All tokens are applied by one sampler, with the guidance that they were learned with and with unseen noise.
 *
 * @returns the reason if the paper's loop could not run
 */
export async function benchAgainstReference(
  pipeline: Pipeline,
  cases: readonly CaseFiles[],
  {
    seeds,
    folder,
    threads,
  }: { readonly seeds: readonly number[]; readonly folder: string; readonly threads: number },
  onPoint: (point: QualityPoint) => void,
): Promise<string | undefined> {
  for (const loop of [undefined, ...paperLoops(pipeline)])
    for (const seed of seeds)
      for (const files of cases) {
        const opened = await openCase(files, undefined, referenceSide);
        const pair = firstPair(pipeline, opened);
        const tell = async (learner: string, instruction: Instruction, guidance: Guidance) => {
          const { unetForwards, unetBackwards } = instruction.info.counts;
          const options = {
            seed,
            noise: "fresh",
            textGuidance: guidance.text,
            imageGuidance: guidance.image,
          } as const;
          onPoint({
            learner,
            case: opened.name,
            seed,
            evaluations: unetForwards + unetBackwards,
            psnr: await meanPsnrToTruth(pipeline, opened, { instruction }, options),
          });
        };
        if (!loop) {
          const { textGuidance: text, imageGuidance: image } = pipeline.defaults.inversion;
          for (const [learner, start] of [
            [ours, "pair"],
            [oursFromWords, "words"],
          ] as const)
            for (const steps of ourSteps)
              await tell(learner, await invert(pipeline, [pair], { seed, steps, start }), { text, image });
          continue;
        }
        const { name, learningRate, guidance } = loop;
        const task: ReferenceLoopTask = { seed, learningRate, guidance, checkpoints, idleWork: "left out" };
        const learned = await runReferenceLoop(pipeline, pair, task, { folder, threads });
        if (typeof learned === "string") return learned;
        for (const { step, best, last } of learned)
          for (const [learner, tokens] of [
            [name, best],
            [`${name}${lastTokens}`, last],
          ] as const)
            await tell(learner, asInstruction(pipeline, pair, task, step, tokens), guidance);
      }
  return undefined;
}

/** Wraps tokens from another program as an instruction. It has no validation loss. */
function asInstruction(
  pipeline: Pipeline,
  { before: { width, height } }: ImagePair,
  { seed, learningRate, guidance }: ReferenceLoopTask,
  steps: number,
  tokens: Float32Array,
): Instruction {
  const { init } = pipeline.defaults;
  const unknown = Number.NaN;
  const branches = evaluationsOfPaperStep / 2;
  return {
    tokens,
    tokenCount: tokens.length / pipeline.textWidth,
    dimension: pipeline.textWidth,
    info: {
      formatVersion: formatVersionOf.text,
      space: "text",
      modelId: pipeline.modelId,
      weightHash: pipeline.weightHash,
      seed,
      init,
      hyperParameters: {
        steps,
        learningRate,
        batchSize: 1,
        loop: "reference",
        pairs: 1,
        width,
        height,
        textGuidance: guidance.text,
        imageGuidance: guidance.image,
      },
      losses: {
        first: unknown,
        last: unknown,
        validation: unknown,
        initialValidation: unknown,
        bestStep: steps,
        curve: [],
      },
      counts: { unetForwards: branches * steps, unetBackwards: branches * steps },
    },
  };
}
