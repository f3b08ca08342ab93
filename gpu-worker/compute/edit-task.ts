import { type BatchItem, editTogether } from "../../engine/editing/edit.ts";
import { type OpenPhoto, openPhoto } from "../../engine/images/open-photo.ts";
import type { RgbImage } from "../../engine/images/rgb-image.ts";
import { encodeImage } from "../../engine/images/write-image.ts";
import { decodeInstruction } from "../../engine/instruction/instruction-file.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";
import { defined } from "../../shared/defined.ts";
import { readImage } from "./image-file.ts";
import type { EditPart, EditTask, TaskDone } from "./protocol.ts";
import { toFailure } from "./task-failure.ts";
import { type Canceled, type Emit, yieldToEventLoop } from "./task-hooks.ts";

/**
 * Images up to this number of pixels stay in memory until their result is ready; larger ones are decoded
 * again.
 */
const keptPixels = 1_000_000;

/** A result to compute. */
interface Wanted {
  readonly part: PartState;
  readonly index: number;
  readonly variation: number;
  /** At the model's size. */
  readonly image: RgbImage;
  /** Mask for the pixels of `image`. */
  readonly mask?: Float32Array;
  open(): Promise<OpenPhoto>;
}

/** State of one job's part of the task. */
interface PartState {
  readonly number: number;
  readonly part: EditPart;
  readonly total: number;
  made: number;
  steps: number;
  seconds: number;
  over: boolean;
}

/**
 * Edits the images of several jobs with one prompt and emits each result as soon as it is ready. Images of
 * the same size are sampled as a batch. A failed or canceled part does not affect the others.
 */
export async function editTask(
  pipeline: Pipeline,
  task: EditTask,
  canceled: Canceled,
  emit: Emit,
): Promise<TaskDone> {
  const { instruction, text, ...sampling } = task.prompt;
  const prompt = {
    ...(instruction ? { instruction: decodeInstruction(instruction) } : {}),
    ...defined({ text }),
  };
  const parts = task.parts.map(
    (part, number): PartState => ({
      number,
      part,
      made: 0,
      steps: 0,
      seconds: 0,
      over: false,
      total: part.images.length * part.count,
    }),
  );
  const isOpen = ({ number, over }: PartState) => !over && !canceled.parts.has(number);
  const wanted: Wanted[] = [];
  for (const part of parts) {
    // A damaged image fails only its own job.
    try {
      wanted.push(...(await openPart(pipeline, part)));
      if (part.total === 0) await endPart(part, emit);
    } catch (error) {
      part.over = true;
      await emit({ type: "part failed", part: part.number, failure: toFailure(error) });
    }
  }
  for (const chunk of chunksOfOneSize(wanted, task.batch)) {
    await yieldToEventLoop();
    canceled.signal.throwIfAborted();
    const open = chunk.filter(({ part }) => isOpen(part));
    if (!open.length) continue;
    const started = performance.now();
    const edited = await editTogether(pipeline, open.map(batchItem), prompt, sampling, {
      signal: canceled.signal,
      async onEvent({ step, steps }) {
        for (const { part, own } of sharesOf(open)) {
          part.steps += own;
          const done = part.made * steps + step * own;
          void emit({
            type: "progress",
            part: part.number,
            stage: "edit",
            step: done,
            steps: part.total * steps,
          });
        }
        await yieldToEventLoop();
      },
    });
    for (const [place, image] of edited.entries()) await emitResult(open[place]!, image, emit);
    const seconds = (performance.now() - started) / 1000;
    for (const { part, own } of sharesOf(open)) {
      part.made += own;
      part.seconds += (seconds * own) / open.length;
      if (part.made === part.total) await endPart(part, emit);
    }
  }
  return { steps: parts.reduce((sum, { steps }) => sum + steps, 0) };
}

/** Decodes a part's images. Only the resized version of a large image stays in memory. */
export async function openPart(pipeline: Pick<Pipeline, "imageSize">, state: PartState): Promise<Wanted[]> {
  const wanted: Wanted[] = [];
  const { colorProfile } = state.part;
  const mask = state.part.mask && (await readImage(state.part.mask));
  for (const { index, file } of state.part.images) {
    const decode = async () =>
      openPhoto(
        await readImage(file),
        pipeline.imageSize,
        `Image ${index + 1}`,
        defined({ mask, colorProfile }),
      );
    const kept = keep(await decode(), decode);
    for (let variation = 0; variation < state.part.count; variation++)
      wanted.push({ part: state, index, variation, ...kept });
  }
  return wanted;
}

function keep(photo: OpenPhoto, decode: () => Promise<OpenPhoto>): Pick<Wanted, "image" | "mask" | "open"> {
  const { width, height, image, mask } = photo;
  return { image, ...defined({ mask }), open: width * height <= keptPixels ? always(photo) : decode };
}

/** Defined outside the loop, because a closure created there would retain the large decoded image. */
const always = (photo: OpenPhoto) => async () => photo;

/**
 * Batches of images of one size: powers of two, so that few session sizes are compiled, then full batches. The
 * smallest comes first, because its results are ready first.
 */
export function chunksOfOneSize<Item extends { readonly image: Pick<RgbImage, "width" | "height"> }>(
  items: readonly Item[],
  max: number,
): Item[][] {
  const chunks: Item[][] = [];
  for (const same of groupsOf(items, ({ image }) => `${image.width}x${image.height}`).values()) {
    const lengths: number[] = [];
    for (let left = same.length; left > 0; left -= lengths[0]!)
      lengths.unshift(Math.min(max, 2 ** Math.floor(Math.log2(left))));
    for (const length of lengths) chunks.push(same.splice(0, length));
  }
  return chunks;
}

function batchItem({ part: { part }, image, mask, variation }: Wanted): BatchItem {
  const noise = part.noise ?? (part.count > 1 ? "fresh" : undefined);
  return { image, seed: part.seed, variation, ...defined({ noise, mask }) };
}

/** Groups the images of a batch by their part. */
function sharesOf(chunk: readonly Wanted[]): { readonly part: PartState; readonly own: number }[] {
  return [...groupsOf(chunk, ({ part }) => part)].map(([part, { length: own }]) => ({ part, own }));
}

function groupsOf<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return groups;
}

async function emitResult(
  { part, index, variation, open }: Wanted,
  edited: RgbImage,
  emit: Emit,
): Promise<void> {
  const { image, ...file } = (await open()).finish(edited);
  const { format, metadata: metadataMode } = part.part;
  await emit({
    type: "result",
    part: part.number,
    index,
    variation,
    width: image.width,
    height: image.height,
    bytes: await encodeImage(image, format, { ...file, ...defined({ metadataMode }) }),
  });
}

function endPart(part: PartState, emit: Emit): Promise<void> {
  part.over = true;
  const { number, steps, seconds } = part;
  return emit({
    type: "part done",
    part: number,
    done: { steps, seconds: Math.round(seconds * 1000) / 1000 },
  });
}
