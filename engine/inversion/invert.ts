import { defined } from "../../shared/defined.ts";
import { editFitted } from "../editing/edit.ts";
import { VisibleError } from "../errors.ts";
import type { RgbImage } from "../images/rgb-image.ts";
import {
  formatVersionOf,
  type Instruction,
  type InstructionInfo,
  type Losses,
} from "../instruction/instruction.ts";
import type { Precision } from "../networks/precision.ts";
import { initAdamW, updateAdamW } from "../optimizer/adamw.ts";
import { learningRateFactor } from "../optimizer/learning-rate.ts";
import { branchWeights } from "../pipeline/guidance.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { createScheduler } from "../schedulers/create-scheduler.ts";
import { makeNoiseSchedule } from "../schedulers/noise-schedule.ts";
import { BatchOrder } from "./batch-order.ts";
import { editDirection } from "./edit-direction.ts";
import { type ImagePair, requirePairs } from "./image-pair.ts";
import { type LearnedRows, openRows } from "./instruction-space.ts";
import { InversionLoss, type Validation } from "./inversion-loss.ts";
import { differentiate, initialLossScale } from "./loss-scale.ts";
import { type HeartbeatClock, type InversionEvent, Progress } from "./progress.ts";
import { decodeRunState, encodeRunState, fingerprintOf, type RunState } from "./run-state.ts";
import {
  drawingVersion,
  drawTrainingSamples,
  drawValidationSamples,
  type LatentPair,
  type Sample,
} from "./samples.ts";
import { type InversionOptions, type InversionSettings, resolveSettings } from "./settings.ts";

export interface InversionHooks {
  /**
   * Checked between steps. The state is passed to `onCheckpoint`, then the promise rejects with the signal's
   * reason.
   */
  readonly signal?: AbortSignal;
  /** A promise is awaited before the next step. */
  onEvent?(event: InversionEvent): void | Promise<void>;
  /** Steps between two previews; no previews when absent. A start from the pair encoder is also previewed. */
  readonly previewEvery?: number;
  /** A state from `onCheckpoint` to resume from. */
  readonly resume?: Uint8Array;
  onCheckpoint?(state: Uint8Array): Promise<void>;
  /** Steps between two checkpoints; only on abort when absent. */
  readonly checkpointEvery?: number;
  /**
   * Steps between two calls of `onKept`; the tokens of those steps are validated too, so they can be the
   * ones chosen at the end.
   */
  readonly keepEvery?: number;
  /** Receives the instruction with the tokens that step `info.losses.bestStep` ended with. */
  onKept?(instruction: Instruction): Promise<void>;
  /** Returns seconds, for the estimate of the remaining time. */
  readonly clock?: HeartbeatClock;
}

/**
 * Visual Instruction Inversion (Nguyen et al. 2023): finds the text embedding with which the frozen model
 * turns each pair's before into its after.
 *
 *     <ins>   rows 1 … n of the text embedding P, the only trained values;    c_I   before, in latents
 *             in kv space their keys and values in every cross-attention
 *     z_t     after in latents, noised to timestep t with ε                   d     CLIP direction before →
 * after
 *
 * <ins> starts from the init's words, or from the model's pair encoder; with 0 steps it stays unchanged.
 *
 * The result is deterministic for a seed, also after an interruption and resume.
 *
 * @throws VisibleError for missing pairs, invalid sizes or options, or a state of another run
 */
export async function invert(
  pipeline: Pipeline,
  pairs: readonly ImagePair[],
  options: InversionOptions,
  hooks: InversionHooks = {},
): Promise<Instruction> {
  const settings = resolveSettings(pipeline, options);
  requirePairs(pipeline, pairs);
  const progress = new Progress(hooks.onEvent?.bind(hooks), hooks.clock);

  // 1. The init's words or the pairs give the initial rows of <ins>; images are encoded to latents and a CLIP
  // direction.
  await progress.enter("prepare", pairs.length + 2);
  const rows = await openRows(pipeline, settings, pairs);
  const unlearned = describe(rows.initial, { unetForwards: 0, unetBackwards: 0 });
  const shown = hooks.previewEvery !== undefined && settings.start === "pair";
  await progress.advance(shown ? { preview: await previewOf(pipeline, pairs[0]!, unlearned) } : {});
  if (settings.steps === 0) return unlearned;
  const latents: LatentPair[] = [];
  for (const { before, after } of pairs) {
    latents.push({
      before: await pipeline.encodeImage(before),
      after: pipeline.scaleLatents(await pipeline.encodeImage(after)),
    });
    await progress.advance();
  }
  const direction = settings.clipWeight === 0 ? undefined : await editDirection(pipeline, pairs);
  await progress.advance();

  // 2. The fixed samples (t, ε, pair), and the guidance branches that do not depend on <ins>.
  const schedule = makeNoiseSchedule(pipeline.model.scheduler);
  const count = settings.samples === "every timestep" ? schedule.trainTimesteps : settings.samples;
  const training = drawTrainingSamples(latents, schedule, count, settings.seed, sampledTimesteps(pipeline));
  const validation = drawValidationSamples(latents, schedule, settings.validationSamples, settings.seed);
  const effective = direction ? settings : { ...settings, clipWeight: 0 };
  const loss = new InversionLoss(pipeline, effective, rows, direction);
  // Check that a step fits into memory before spending hours on preparing samples.
  for (const { after } of latents) loss.plan(settings.batchSize, after);
  const pictures = pairs.flatMap(({ before, after }) => [before.data, after.data]);
  const { precision } = pipeline;
  const fingerprint = fingerprintOf(
    { ...settings, precision, drawing: drawingVersion, ...defined({ keepEvery: hooks.keepEvery }) },
    pipeline.weightHash,
    pictures,
  );
  const resumed = hooks.resume && decodeRunState(hooks.resume, fingerprint);
  const batches = new BatchOrder(training, settings);
  let forwardsBefore = pipeline.unetForwards;
  const visited = new Set(validation);
  if (settings.frozenBranches === "cached")
    for (let step = resumed?.step ?? 0; step < settings.steps; step++)
      for (const sample of batches.at(step)) visited.add(sample);
  await progress.enter("prepare_samples", visited.size, { later: costOfLearning(settings, resumed?.step) });
  for (const sample of visited) {
    hooks.signal?.throwIfAborted();
    await loss.prepare(sample);
    await progress.advance();
  }

  // A resumed run evaluates these again but does not count them, so that its counts equal those of an
  // uninterrupted run.
  if (resumed) forwardsBefore = pipeline.unetForwards;

  // 3. Training loop: one batch and one AdamW step at a time, with regular validation.
  let state = resumed ?? (await initialState(loss, validation, rows, settings, precision));
  const countsBefore = state.counts;
  const counts = () => ({
    unetForwards: countsBefore.unetForwards + pipeline.unetForwards - forwardsBefore,
    unetBackwards: countsBefore.unetBackwards + loss.unetBackwards,
  });
  const save = async () => hooks.onCheckpoint?.(encodeRunState({ ...state, counts: counts() }, fingerprint));
  await progress.enter("learn", settings.steps, { done: state.step });
  while (state.step < settings.steps) {
    if (hooks.signal?.aborted) {
      await save();
      throw hooks.signal.reason;
    }
    const kept = hooks.keepEvery !== undefined && (state.step + 1) % hooks.keepEvery === 0;
    state = await stepOnce(state, loss, batches.at(state.step), { validation, kept }, settings);
    const previewDue = hooks.previewEvery !== undefined && state.step % hooks.previewEvery === 0;
    const preview = previewDue
      ? await previewOf(pipeline, pairs[0]!, finish(state, { mean: state.best.score }))
      : undefined;
    const { loss: last, validation: checked } = state.curve.at(-1)!;
    await progress.advance({
      loss: last,
      ...defined({ validation: checked, preview }),
    });
    if (kept) await hooks.onKept?.(finish({ ...state, best: lastOf(state) }, { mean: checked! }));
    if (hooks.checkpointEvery && state.step % hooks.checkpointEvery === 0) await save();
  }

  // 4. Keep the best tokens, with their metadata.
  const chosen = state.best;
  return finish(
    state,
    settings.selection === "validation"
      ? { ...chosen, mean: chosen.score }
      : await loss.validate(validation, chosen.instruction),
  );

  function finish(state: RunState, { mean: validation, decisive: learned }: Validation): Instruction {
    const { best, curve, initialValidation, wordsValidation, wordsDecisive: words } = state;
    return describe(best.instruction, counts(), {
      first: curve[0]!.loss,
      last: curve.at(-1)!.loss,
      validation,
      initialValidation,
      ...defined({ wordsValidation }),
      ...(words === undefined || learned === undefined ? {} : { decisive: { words, learned } }),
      bestStep: best.step,
      curve: curve.map((point) => ({ ...point })),
    });
  }

  function describe(tokens: Float32Array, spent: InstructionInfo["counts"], losses?: Losses): Instruction {
    const { width, height } = pairs[0]!.before;
    const { steps, learningRate, batchSize, textGuidance, imageGuidance, loop, seed, init, start, space } =
      settings;
    const { precision } = pipeline;
    return {
      tokens,
      tokenCount: rows.tokens,
      dimension: rows.dimension,
      ...defined({ attentions: rows.attentions }),
      info: {
        formatVersion: formatVersionOf[space],
        space,
        modelId: pipeline.modelId,
        weightHash: pipeline.weightHash,
        seed,
        init,
        ...defined({ start }),
        hyperParameters: {
          steps,
          learningRate,
          batchSize,
          textGuidance,
          imageGuidance,
          loop,
          width,
          height,
          pairs: pairs.length,
          ...(precision === "fp32" ? {} : { precision }),
        },
        ...defined({ losses }),
        counts: spent,
      },
    };
  }
}

/**
 * Remaining cost after the samples are prepared, in units of preparing one sample (evaluating its two frozen
 * branches). A step evaluates and differentiates the text branch of its samples, which takes 2.1 evaluations
 * by operation count.
 */
function costOfLearning(settings: InversionSettings, done = 0): number {
  const { image, none } = branchWeights({ text: settings.textGuidance, image: settings.imageGuidance });
  const frozen = Number(image !== 0) + Number(none !== 0);
  if (frozen === 0) return 0;
  const { steps, batchSize, validationSamples, validationEvery } = settings;
  const validations = (at: number) => (validationEvery > 0 ? Math.floor(at / validationEvery) : 0);
  const looks = validations(steps) - validations(done) + 2;
  const perSample = 2.1 + (settings.frozenBranches === "recomputed" ? frozen : 0);
  return ((steps - done) * batchSize * perSample + looks * validationSamples) / frozen;
}

async function stepOnce(
  state: RunState,
  loss: InversionLoss,
  batch: readonly Sample[],
  { validation, kept }: { readonly validation: readonly Sample[]; readonly kept: boolean },
  settings: InversionSettings,
): Promise<RunState> {
  const { lossScale, ...made } = await differentiate(loss, batch, state.instruction, state.lossScale);
  const { loss: value, mse, gradient } = made;
  if (!Number.isFinite(value))
    throw new VisibleError(
      "diverged",
      `The loss became ${value} at step ${state.step + 1}; lower the learning rate (now ${settings.learningRate})${state.lossScale ? ", or use --precision fp32, which has a wider range" : ""}.`,
    );
  const rate = settings.learningRate * learningRateFactor[settings.schedule](state.step, settings.steps);
  const updated = updateAdamW(state.instruction, gradient, state.optimizer, rate);
  const step = state.step + 1;
  const { steps, validationEvery } = settings;
  const due = kept || step === steps || (validationEvery > 0 && step % validationEvery === 0);
  const checked = due ? await loss.validate(validation, updated.parameters) : undefined;
  // A step's loss belongs to the tokens before its update, the validation loss to those after it.
  const candidate =
    settings.selection === "validation"
      ? {
          instruction: updated.parameters,
          step,
          score: checked?.mean ?? Number.POSITIVE_INFINITY,
          ...defined({ decisive: checked?.decisive }),
        }
      : { instruction: state.instruction, step: state.step, score: mse };
  return {
    ...state,
    step,
    instruction: updated.parameters,
    optimizer: updated.state,
    ...(lossScale ? { lossScale } : {}),
    best: candidate.score < state.best.score ? candidate : state.best,
    curve: [...state.curve, { step, loss: value, ...(checked ? { validation: checked.mean } : {}) }],
  };
}

/** The tokens that the last step ended with. */
const lastOf = ({ instruction, step }: RunState): RunState["best"] => ({ instruction, step, score: 0 });

async function initialState(
  loss: InversionLoss,
  validation: readonly Sample[],
  { initial, words }: LearnedRows,
  { selection }: InversionSettings,
  precision: Precision,
): Promise<RunState> {
  const ofInitial = await loss.validate(validation, initial);
  const ofWords = words === initial ? ofInitial : await loss.validate(validation, words);
  return {
    step: 0,
    instruction: initial,
    optimizer: initAdamW(initial.length),
    best: {
      instruction: initial,
      step: 0,
      score: selection === "validation" ? ofInitial.mean : Number.MAX_VALUE,
      ...defined({ decisive: ofInitial.decisive }),
    },
    initialValidation: ofInitial.mean,
    ...(words === initial ? {} : { wordsValidation: ofWords.mean }),
    ...defined({ wordsDecisive: ofWords.decisive }),
    curve: [],
    counts: { unetForwards: 0, unetBackwards: 0 },
    ...(precision === "fp16" ? { lossScale: initialLossScale } : {}),
  };
}

/** The timesteps that the model's own sampler visits. */
function sampledTimesteps({ model, defaults: { sampler } }: Pipeline): readonly number[] {
  return createScheduler(sampler.scheduler, model.scheduler, sampler.steps).timesteps;
}

async function previewOf(
  pipeline: Pipeline,
  { before }: ImagePair,
  instruction: Instruction,
): Promise<RgbImage> {
  const uncounted = pipeline.unetForwards;
  const [preview] = await editFitted(pipeline, [before], { instruction }, { seed: instruction.info.seed });
  pipeline.countUnetForwards(uncounted - pipeline.unetForwards);
  return preview!;
}
