import { z } from "zod";

interface MetricInfo {
  readonly title: string;
  /** "" for a number without unit. */
  readonly unit: string;
  /** Decimal places. */
  readonly digits: number;
  readonly meaning: string;
}

/**
 * Metrics of an edited photo. Higher is better, except for style distance (lower is better), sharpness (1 is
 * best) and Image CLIP (highest for an unedited photo).
 */
export const metrics = {
  psnr: { title: "PSNR", unit: "dB", digits: 2, meaning: "closeness to the true edit, over all pixels" },
  ssim: { title: "SSIM", unit: "", digits: 3, meaning: "closeness to the true edit, in local structure" },
  style: {
    title: "Style distance",
    unit: "",
    digits: 3,
    meaning:
      "distance to the true edit in second-order statistics of filter responses over scales: 0 is the same texture, 1 nothing shared",
  },
  sharpness: {
    title: "Sharpness",
    unit: "",
    digits: 2,
    meaning: "gradient energy over the true edit's: 1 is right, less is blurred",
  },
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

/** One photo's scores; null if there is no true edit, no captions, no CLIP, or no change. */
export const scoresSchema = z.object({
  psnr: score,
  ssim: score,
  style: score,
  sharpness: score,
  imageClip: score,
  directionalClip: score,
  visualClip: score,
} satisfies Readonly<Record<Metric, typeof score>>);

export type Scores = z.infer<typeof scoresSchema>;
