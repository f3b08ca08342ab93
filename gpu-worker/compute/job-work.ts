import { defined } from "../../shared/defined.ts";
import { RetryableError, VisibleError } from "../../shared/errors.ts";
import { type JobRequest, type Run, type StoredResult, storedBytes } from "../../shared/jobs/job.ts";
import { objectKeys } from "../../shared/object-keys.ts";
import type { Clock } from "../../shared/ports/clock.ts";
import type { ObjectStore } from "../../shared/ports/object-store.ts";
import type { OutputFormat } from "../../shared/resources/edit.ts";
import type { WorkFacts } from "../queue/job-reporter.ts";
import type { Work, WorkDone } from "../queue/run-job.ts";
import type { Compute } from "./compute-process.ts";
import { type ImageOf, withImages } from "./job-images.ts";
import { type ReadImage, readUpload } from "./normalized-images.ts";
import type { EditPart, EditPrompt, EditTask, LearnedInstruction, LearnTask, TaskEvent } from "./protocol.ts";

/** Reserved bytes of results, up to which an edit may be batched: those of a JPEG of 20 megapixels as PNG. */
const maxBatchedBytes = 64 * 2 ** 20;

interface JobWorkPorts {
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly compute: Compute;
  readonly readImage: ReadImage;
  /** Seconds between two checkpoints of a learning job. */
  readonly saveEvery: number;
  /** Maximum images per batch. */
  readonly batch: number;
}

type Request<Kind extends JobRequest["kind"]> = Extract<JobRequest, { kind: Kind }>;
type Hooks = Parameters<Work>[1];

const mediaTypes: Readonly<Record<OutputFormat, string>> = {
  png: "image/png",
  jpeg: "image/jpeg",
  webp: "image/webp",
};

/** Connects jobs with the compute process: fetches a job's inputs and stores its outputs under fixed keys. */
export function createJobWork(ports: JobWorkPorts): Work {
  return (job, hooks) => {
    const { request } = job;
    switch (request.kind) {
      case "learn":
        return withImages(ports.readImage, job.account, hooks.signal, (imageOf) =>
          learn(ports, job, request, hooks, imageOf),
        );
      case "edit":
        return withImages(ports.readImage, job.account, hooks.signal, (imageOf) =>
          edit(ports, job, request, hooks, imageOf),
        );
      case "import":
        return bring(ports, job, request, hooks);
    }
  };
}

async function learn(
  ports: JobWorkPorts,
  job: Run,
  request: Request<"learn">,
  hooks: Hooks,
  imageOf: ImageOf,
): Promise<WorkDone> {
  const { objects, clock, compute, saveEvery } = ports;
  const { account, id } = job;
  const started = clock.now();
  const stateKey = objectKeys.learningState(account, id);
  const resume = await objects.get(stateKey);
  const pairs: { before: string; after: string }[] = [];
  for (const [index, { before, after }] of request.pairs.entries())
    pairs.push({
      before: await imageOf(before, `The before image of pair ${index + 1}`),
      after: await imageOf(after, `The after image of pair ${index + 1}`),
    });
  const task: LearnTask = {
    kind: "learn",
    pairs,
    seed: request.seed ?? 0,
    saveEvery,
    previews: request.steps === 0 ? 0 : 8,
    ...defined({
      init: request.init,
      space: request.space,
      steps: request.steps,
      learningRate: request.learning_rate,
      textGuidance: request.text_guidance,
      imageGuidance: request.image_guidance,
      clipWeight: request.clip_weight,
      resume,
    }),
  };
  const done = await compute.run(task, hooks.signal, async (event) => {
    if (event.type === "state") await objects.put(stateKey, event.bytes, "application/octet-stream");
    else if (event.type === "preview") {
      await objects.put(objectKeys.preview(account, id), event.jpeg, "image/jpeg");
      hooks.report({ has_preview: true, event: { type: "preview", step: event.step } });
    } else if (event.type === "thumbnail") {
      await objects.put(objectKeys.thumbnail(account, id), event.jpeg, "image/jpeg");
      hooks.report({ has_thumbnail: true });
    } else if (event.type === "lut") {
      await objects.put(objectKeys.lut(account, id), new TextEncoder().encode(event.cube), "text/plain");
      hooks.report({ has_lut: true });
    } else reportProgress(event, hooks, () => secondsSince(clock, started));
  });
  const instruction = await storeInstruction(ports, job, done.instruction);
  await objects.delete(stateKey);
  return {
    results: [],
    ...defined({ caption: instruction.init }),
    text_guidance: instruction.textGuidance,
    warnings: instruction.warnings,
    measured: { compute_seconds: secondsSince(clock, started), steps: done.steps },
  };
}

async function bring(
  ports: JobWorkPorts,
  job: Run,
  request: Request<"import">,
  hooks: Hooks,
): Promise<WorkDone> {
  const started = ports.clock.now();
  const file = await readUpload(ports.objects, job.account, request.upload);
  const done = await ports.compute.run({ kind: "import", file }, hooks.signal, async () => undefined);
  const { init, textGuidance } = await storeInstruction(ports, job, done.instruction);
  const measured = { compute_seconds: secondsSince(ports.clock, started), steps: 0 };
  return {
    results: [],
    text_guidance: textGuidance,
    measured,
    ...defined({ caption: init }),
  };
}

async function edit(
  ports: JobWorkPorts,
  job: Run,
  request: Request<"edit">,
  hooks: Hooks,
  imageOf: ImageOf,
): Promise<WorkDone> {
  const { objects, clock, compute } = ports;
  const { account, id } = job;
  const started = clock.now();
  const count = request.count ?? 1;
  const format = request.format ?? "png";
  const keyOf = (index: number, variation: number) =>
    objectKeys.result(account, id, index, variation, format);
  // Results of an earlier attempt are reused. They are identified by their keys.
  const results = new Map<string, StoredResult>(job.results.map((result) => [result.key, result]));
  const open = request.images.flatMap((image, index) =>
    Array.from({ length: count }, (_, variation) => keyOf(index, variation)).every((key) => results.has(key))
      ? []
      : [{ image, index }],
  );
  const instruction =
    request.instruction === undefined
      ? undefined
      : await objects.get(objectKeys.instruction(account, request.instruction));
  if (request.instruction !== undefined && !instruction)
    throw new VisibleError(
      "instruction_gone",
      `Instruction ${request.instruction} was deleted before the edit started; create the edit with another one.`,
    );
  const images: { index: number; file: string }[] = [];
  for (const { image, index } of open)
    images.push({ index, file: await imageOf(image, `Image ${index + 1}`) });
  const mask = request.mask === undefined ? undefined : await imageOf(request.mask, "The mask");
  const part: EditPart = {
    images,
    count,
    format,
    seed: request.seed ?? 0,
    ...defined({
      noise: request.noise,
      mask,
      metadata: request.photo_metadata,
      colorProfile: request.color_profile,
    }),
  };
  const prompt = { ...defined({ instruction }), ...samplingOf(request) };
  const task: EditTask = { kind: "edit", prompt, parts: [part], batch: ports.batch };
  const done = await compute.run(task, hooks.signal, async (event) => {
    if (event.type !== "result") return reportProgress(event, hooks, () => secondsSince(clock, started));
    const { index, variation, bytes, width, height } = event;
    const key = keyOf(index, variation);
    const inputId = request.images[index] ?? "";
    const stored = storedBytes([...results.values()]) + bytes.byteLength;
    // The reservation covers every result of an image of the stated size.
    if (stored > (job.reserved_bytes ?? stored))
      throw new VisibleError(
        "unprocessable",
        `The results take more than ${job.reserved_bytes} bytes, the maximum for images of the sizes in their headers; save the images again as JPEG or PNG.`,
      );
    await objects.put(key, bytes, mediaTypes[format]);
    results.set(key, { input: inputId, key, width, height, bytes: bytes.byteLength });
    hooks.report({ results: inOrder(results), event: { type: "result", index, input: inputId } });
  });
  return {
    results: inOrder(results),
    // In a batch, each job is measured by its share of the time.
    measured: { compute_seconds: done.seconds ?? secondsSince(clock, started), steps: done.steps },
  };
}

/**
 * Edits with the same key may run as one batch. Undefined for other jobs, for retries, and for large results,
 * because the other jobs of the batch would wait for them.
 */
export function batchKey({ account, request, attempt, reserved_bytes = 0 }: Run): string | undefined {
  if (request.kind !== "edit" || attempt > 0 || reserved_bytes > maxBatchedBytes) return undefined;
  const { instruction } = request;
  const owner = instruction === undefined ? "" : account;
  return JSON.stringify([owner, instruction, samplingOf(request)]);
}

/** The settings that all images of a batch share. */
function samplingOf(request: Request<"edit">): Omit<EditPrompt, "instruction"> {
  const { guidance_interval: interval } = request;
  return defined({
    text: request.text,
    mixing: request.mixing,
    textGuidance: request.text_guidance,
    imageGuidance: request.image_guidance,
    guidanceInterval: interval && ([interval[0]!, interval[1]!] as const),
    steps: request.steps,
    scheduler: request.scheduler,
    negative: request.negative,
    strength: request.strength,
  });
}

/** Sorts results by key, which is the order of images and variations. */
const inOrder = (results: ReadonlyMap<string, StoredResult>): StoredResult[] =>
  [...results.values()].sort((a, b) => (a.key < b.key ? -1 : 1));

async function storeInstruction(
  { objects }: JobWorkPorts,
  { account, id }: Run,
  instruction: LearnedInstruction | undefined,
): Promise<LearnedInstruction> {
  if (!instruction) throw new RetryableError(`${id}: the compute process returned no instruction`);
  const losses = new TextEncoder().encode(JSON.stringify(instruction.curve));
  await objects.put(objectKeys.losses(account, id), losses, "application/json");
  await objects.put(objectKeys.instruction(account, id), instruction.file, "application/octet-stream");
  return instruction;
}

/** Reports progress and the work to charge if the job is canceled now. */
function reportProgress(event: TaskEvent, { report }: Hooks, seconds: () => number): void {
  if (event.type !== "progress") return;
  const { stage, step, steps, loss, etaSeconds } = event;
  const progress = {
    stage,
    step,
    steps,
    ...defined({ loss }),
    ...(etaSeconds === undefined ? {} : { eta_seconds: Math.round(etaSeconds * 10) / 10 }),
  };
  // Preparation is not charged separately.
  const made = stage === "learn" || stage === "edit" ? step : 0;
  const measured = { compute_seconds: seconds(), steps: made };
  report({ progress, measured } satisfies WorkFacts);
}

const secondsSince = (clock: Clock, started: number): number => Math.round(clock.now() - started) / 1000;
