/**
 * visii-engine: learn an image edit from a before/after pair, and apply it to other photos.
 *
 * @example
 * import { bundledModel, edit, learn, openPipeline, readPairs, writeImage } from "visii-engine";
 *
 * const pipeline = await openPipeline(bundledModel, { device: "cpu" });
 * const { pairs } = await readPairs([{ before: "before.jpg", after: "after.jpg" }]);
 * const { instruction } = await learn(pipeline, pairs, { seed: 0, steps: 20 });
 * const { image } = await edit(pipeline, "photo.jpg", { instruction }, { seed: 0 });
 * await writeImage("edited.png", image);
 * await pipeline.dispose();
 */
export { bundledModel } from "./bundled-model.ts";
export { type CaptionKind, parsePhrases } from "./captioning/caption-pair.ts";
export { type EditPhotoOptions, edit } from "./edit.ts";
export type { EditEvent, EditHooks, EditOptions } from "./editing/edit.ts";
export { type ErrorCode, InternalError, RetryableError, VisibleError } from "./errors.ts";
export type { ColorProfileMode } from "./images/color-profile-mode.ts";
export {
  type DecodedImage,
  decodeImage,
  type PhotoProfile,
  type Transparency,
} from "./images/decode-image.ts";
export type { ModelSize } from "./images/fit-to-model.ts";
export type { ImageFormat } from "./images/image-format.ts";
export type { ImageSource } from "./images/image-source.ts";
export { type OpenPhoto, openPhoto, type PhotoOptions } from "./images/open-photo.ts";
export type { DetailMode } from "./images/restore-detail.ts";
export type { RgbImage } from "./images/rgb-image.ts";
export type { FinishedImage } from "./images/with-transparency.ts";
export { type EncodeOptions, encodeImage, writeImage } from "./images/write-image.ts";
export { type Prompt, requireSameModel } from "./instruction/embed-instruction.ts";
export type { Instruction, InstructionInfo, InstructionSpace, Losses } from "./instruction/instruction.ts";
export {
  decodeInstruction,
  encodeInstruction,
  readInstruction,
  writeInstruction,
} from "./instruction/instruction-file.ts";
export { nearestWords } from "./instruction/nearest-words.ts";
export { learningWarnings } from "./inversion/learning-warnings.ts";
export type { InversionOptions, LoopSettings } from "./inversion/settings.ts";
export { type LearnEvent, type Learned, type LearnHooks, type LearnOptions, learn } from "./learn.ts";
export type { MetadataMode, PhotoMetadata } from "./metadata/photo-metadata.ts";
export type { Precision } from "./networks/precision.ts";
export type { ImagePair } from "./pairs/fit-pairs.ts";
export type { Mixing } from "./pipeline/mixing.ts";
export {
  type Device,
  defaultMemory,
  openPipeline,
  type Pipeline,
  type PipelineOptions,
} from "./pipeline/pipeline.ts";
export { type PairSource, type ReadPairs, readPairs } from "./read-pairs.ts";
export type { SchedulerKind } from "./schedulers/create-scheduler.ts";
