import type { Cost } from "../../../engine/evaluation/finished-work.ts";
import type { Scores } from "../../../engine/evaluation/metric.ts";

/** Scores of a photo without measurements. */
export const noScores: Scores = {
  psnr: null,
  ssim: null,
  style: null,
  sharpness: null,
  imageClip: null,
  directionalClip: null,
  visualClip: null,
};

export const noCost: Cost = {
  once: { evaluations: 0, seconds: 0 },
  photo: { evaluations: 0, seconds: 0 },
};
