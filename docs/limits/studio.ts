import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type EditOptions, editFitted } from "../../engine/editing/edit.ts";
import { ensureWritableFolder } from "../../engine/files/write-atomically.ts";
import { psnr } from "../../engine/image-quality/psnr.ts";
import { contactSheet, type Sheet } from "../../engine/images/contact-sheet.ts";
import { decodeImage } from "../../engine/images/decode-image.ts";
import { resizeImage } from "../../engine/images/resize-image.ts";
import { cropImage, type RgbImage } from "../../engine/images/rgb-image.ts";
import { encodeImage } from "../../engine/images/write-image.ts";
import type { Instruction } from "../../engine/instruction/instruction.ts";
import { readInstruction, writeInstruction } from "../../engine/instruction/instruction-file.ts";
import type { ImagePair } from "../../engine/inversion/image-pair.ts";
import { invert } from "../../engine/inversion/invert.ts";
import { openPipeline, type Pipeline } from "../../engine/pipeline/pipeline.ts";
import { defined } from "../../shared/defined.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** Folder of learned instructions, which later runs reuse. */
const kept = join(root, "out", "limits");
/** Maximum bytes of a picture in docs/images. */
const maxBytes = 400_000;

const seed = 0;

/** The bundled model with the demo's photos at the model's size, and the folder of finished sheets. */
export class Studio {
  readonly pipeline: Pipeline;

  private constructor(pipeline: Pipeline) {
    this.pipeline = pipeline;
  }

  static async open(): Promise<Studio> {
    await ensureWritableFolder(kept);
    return new Studio(await openPipeline(join(root, "models", "mini"), { device: "cpu", threads: 1 }));
  }

  /** A photo of demo/, whose area is that of a square of `resolution` (the model's own when absent). */
  async photo(file: string, resolution = this.pipeline.defaults.resolution): Promise<RgbImage> {
    const { image } = await decodeImage(await readFile(join(root, "demo", file)), file);
    return this.fit(image, resolution);
  }

  /** Crops to the model's multiple instead of padding, whose repeated pixels would be visible. */
  fit(image: RgbImage, resolution = this.pipeline.defaults.resolution): RgbImage {
    const { sizeMultiple } = this.pipeline;
    const scale = resolution / Math.sqrt(image.width * image.height);
    const fitted = (side: number) => Math.floor((side * scale) / sizeMultiple) * sizeMultiple;
    const [toWidth, toHeight] = [fitted(image.width), fitted(image.height)];
    const [width, height] = [Math.round(toWidth / scale), Math.round(toHeight / scale)];
    const left = Math.floor((image.width - width) / 2);
    const top = Math.floor((image.height - height) / 2);
    return resizeImage(cropImage(image, { left, top, width, height }), toWidth, toHeight);
  }

  /**
   * Learns, by default as `visii learn` does, or reads the instruction that an earlier run stored under the
   * name.
   *
   * @param steps default: the model's
   */
  async learn(name: string, pairs: readonly ImagePair[], steps?: number): Promise<Instruction> {
    const path = join(kept, `${name}-${steps ?? "default"}.visii`);
    if (await stat(path).catch(() => undefined)) return readInstruction(path);
    const learned = await invert(this.pipeline, pairs, { seed, ...defined({ steps }) });
    await writeInstruction(path, learned);
    const { losses } = learned.info;
    if (losses)
      console.log(`${name}: ${losses.initialValidation.toFixed(4)} → ${losses.validation.toFixed(4)}`);
    return learned;
  }

  async apply(
    instruction: Instruction,
    photo: RgbImage,
    options: Partial<EditOptions> = {},
  ): Promise<RgbImage> {
    const [edited] = await editFitted(this.pipeline, [photo], { instruction }, { seed, ...options });
    return edited!;
  }

  async editByText(text: string, photo: RgbImage, options: Partial<EditOptions> = {}): Promise<RgbImage> {
    const [edited] = await editFitted(this.pipeline, [photo], { text }, { seed, ...options });
    return edited!;
  }

  /** Encodes and decodes a photo with the autoencoder, without an edit. */
  async roundTrip(photo: RgbImage): Promise<RgbImage> {
    return this.pipeline.decodeLatents(await this.pipeline.encodeImage(photo));
  }

  /** Writes docs/images/NAME.jpg at the highest quality that keeps it below `maxBytes`. */
  async draw(name: string, sheet: Sheet): Promise<void> {
    const { image } = await decodeImage(await contactSheet(sheet), name);
    for (let quality = 92; quality >= 50; quality -= 6) {
      const jpeg = await encodeImage(image, "jpeg", { quality });
      if (jpeg.length > maxBytes) continue;
      await writeFile(join(root, "docs", "images", `${name}.jpg`), jpeg);
      console.log(`docs/images/${name}.jpg: ${Math.round(jpeg.length / 1000)} KB`);
      return;
    }
    throw new Error(`${name}.jpg has more than ${maxBytes} bytes at any quality; reduce its content`);
  }
}

/** PSNR to the true edit as text, such as "24.3 dB". */
export function decibels(picture: RgbImage, truth: RgbImage): string {
  return `${psnr(picture, truth).toFixed(1)} dB`;
}
