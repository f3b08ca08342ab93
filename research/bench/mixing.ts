import { editFitted } from "../../engine/editing/edit.ts";
import { mean } from "../../engine/evaluation/bootstrap.ts";
import { psnr } from "../../engine/image-quality/psnr.ts";
import type { RgbImage } from "../../engine/images/rgb-image.ts";
import type { Prompt } from "../../engine/instruction/embed-instruction.ts";
import { invert } from "../../engine/inversion/invert.ts";
import type { Mixing } from "../../engine/pipeline/mixing.ts";
import type { Pipeline } from "../../engine/pipeline/pipeline.ts";
import type { DemoCase } from "./demo-pair.ts";

/** A pixel's channels in 0 … 1, and its position in the image, −1 … 1 on each axis. */
type Formula = (rgb: readonly number[], x: number, y: number) => readonly number[];

/** The edits that the texts describe, as defined in the bundled model's training (`training/edits.py`). */
const meant: Readonly<Record<string, Formula>> = {
  "make it darker by 40 percent": (rgb) => rgb.map((value) => 0.84 * value ** 1.64),
  "make it brighter by 40 percent": (rgb) => rgb.map((value) => 1 - (1 - value) ** 1.88),
  "add a vignette by 70 percent": (rgb, x, y) =>
    rgb.map((value) => value * (1 - 0.7 * Math.min(1, (x ** 2 + y ** 2) / 1.5))),
  "convert it to grayscale": ([r, g, b]) => Array(3).fill(0.299 * r! + 0.587 * g! + 0.114 * b!),
  "invert the colors": (rgb) => rgb.map((value) => 1 - value),
};

/** Mean PSNR in dB to the true edit followed by the text's edit, over the demo's photos, by text. */
export interface MixingFigures {
  readonly words: string;
  readonly psnr: Readonly<Record<"unedited" | "instruction alone" | "words alone" | Mixing, number>>;
}

/** Evaluates the demo's instruction with added text, for each mixing. */
export async function benchMixing(
  pipeline: Pipeline,
  { pair, photos }: DemoCase,
  onFigures: (figures: MixingFigures) => void,
): Promise<void> {
  const seed = 0;
  const instruction = await invert(pipeline, [pair], { seed });
  for (const [words, formula] of Object.entries(meant)) {
    const truths = photos.map(({ truth }) => draw(truth, formula));
    const closeness = async (make: (photo: RgbImage) => RgbImage | Promise<RgbImage>) => {
      const scores: number[] = [];
      for (const [index, { photo }] of photos.entries()) scores.push(psnr(await make(photo), truths[index]!));
      return mean(scores);
    };
    const by = (prompt: Prompt, mixing: Mixing = "joined") =>
      closeness(async (photo) => (await editFitted(pipeline, [photo], prompt, { seed, mixing }))[0]!);
    onFigures({
      words,
      psnr: {
        unedited: await closeness((photo) => photo),
        "instruction alone": await by({ instruction }),
        "words alone": await by({ text: words }),
        joined: await by({ instruction, text: words }, "joined"),
        "in-turn": await by({ instruction, text: words }, "in-turn"),
      },
    });
  }
}

function draw({ width, height, data }: RgbImage, formula: Formula): RgbImage {
  const plane = width * height;
  const drawn = new Float32Array(data.length);
  for (let i = 0; i < plane; i++) {
    const rgb = [0, 1, 2].map((channel) => (data[channel * plane + i]! + 1) / 2);
    const [x, y] = [(2 * (i % width)) / (width - 1) - 1, (2 * Math.floor(i / width)) / (height - 1) - 1];
    for (const [channel, value] of formula(rgb, x, y).entries())
      drawn[channel * plane + i] = 2 * Math.min(1, Math.max(0, value)) - 1;
  }
  return { width, height, data: drawn };
}
