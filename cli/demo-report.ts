/** The demo's metrics, for report.json and for the captions of the contact sheet. */

import { arch, cpus, platform, totalmem } from "node:os";
import { psnr, type RgbImage, ssim } from "visii-engine/images";

/** Similarity of an image to the true edit. */
export interface Closeness {
  /** In dB. null for an exact match, because JSON has no infinity. */
  readonly psnr: number | null;
  readonly ssim: number;
}

export function closeness(image: RgbImage, truth: RgbImage): Closeness {
  const decibels = psnr(image, truth);
  return {
    psnr: Number.isFinite(decibels) ? Number(decibels.toFixed(2)) : null,
    ssim: Number(ssim(image, truth).toFixed(4)),
  };
}

export const showDecibels = ({ psnr }: Closeness): string =>
  psnr === null ? "exact" : `${psnr.toFixed(1)} dB`;

/** Mean PSNR in dB without exact matches; null if no values remain. */
export function meanPsnr(values: readonly (Closeness | undefined)[]): number | null {
  const known = values.flatMap((value) => (value && value.psnr !== null ? [value.psnr] : []));
  return known.length === 0
    ? null
    : Number((known.reduce((sum, value) => sum + value, 0) / known.length).toFixed(2));
}

export function describeMachine() {
  const processors = cpus();
  return {
    cpu: processors[0]?.model ?? "unknown",
    cores: processors.length,
    memoryGiB: Number((totalmem() / 2 ** 30).toFixed(1)),
    platform: `${platform()}-${arch()}`,
    node: process.versions.node,
  };
}
