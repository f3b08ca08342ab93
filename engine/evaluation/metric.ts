import { z } from "zod";

export interface MetricInfo {
  readonly title: string;
  /** "" for a pure number. */
  readonly unit: string;
  /** Decimals shown. */
  readonly digits: number;
  readonly meaning: string;
}

/** What is measured of every edited photo. More is better, but Image CLIP, which is highest where nothing was edited. */
export const metrics = {
  psnr: { title: "PSNR", unit: "dB", digits: 2, meaning: "closeness to the true edit, over all pixels" },
  ssim: { title: "SSIM", unit: "", digits: 3, meaning: "closeness to the true edit, in local structure" },
  imageClip: {
    title: "Image CLIP",
    unit: "",
    digits: 3,
    meaning: "cos(f(photo), f(result)): how much of the photo is kept; 1 where nothing was edited",
  },
  directionalClip: {
    title: "Directional CLIP",
    unit: "",
    digits: 3,
    meaning:
      "cos(f(result) − f(photo), g(caption after) − g(caption before)): whether it changed as the captions do",
  },
  visualClip: {
    title: "Visual CLIP",
    unit: "",
    digits: 3,
    meaning: "cos(f(after) − f(before), f(result) − f(photo)): whether it changed as the pair does",
  },
} as const satisfies Readonly<Record<string, MetricInfo>>;

export type Metric = keyof typeof metrics;
export const metricNames = Object.keys(metrics) as Metric[];

const score = z.number().nullable();

/** One photo's scores; null where there is nothing to measure by: no truth, no captions, no CLIP, or no change at all. */
export const scoresSchema = z.object({
  psnr: score,
  ssim: score,
  imageClip: score,
  directionalClip: score,
  visualClip: score,
} satisfies Readonly<Record<Metric, typeof score>>);

export type Scores = z.infer<typeof scoresSchema>;
