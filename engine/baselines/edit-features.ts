import { gaussianBlur } from "../images/gaussian-blur.ts";
import type { RgbImage } from "../images/rgb-image.ts";

/**
 * Features of a pixel of the before image, with colors in [0, 1]:
 *
 * - `cubic`: the 20 monomials rⁱgʲbᵏ, i + j + k ≤ 3, the polynomial of color correction (Finlayson,
 * Mackiewicz & Hurlbert
 *   2015 compare variants). They depend only on color, so a 3D LUT can hold the fit.
 * - `local`: the monomials, and features of the pixel's position and neighborhood that filters of photo
 * editors use.
 */
export const featureSets = ["cubic", "local"] as const;
export type FeatureSet = (typeof featureSets)[number];

/** The features of every pixel of one image. */
interface PixelFeatures {
  readonly count: number;
  /** Writes the features of the pixel at `index` (y · width + x) to the first `count` entries of `into`. */
  read(index: number, into: Float64Array): void;
}

/** Features per pixel. */
export const featureCounts: Readonly<Record<FeatureSet, number>> = { cubic: 20, local: 37 };

export function pixelFeatures(image: RgbImage, set: FeatureSet): PixelFeatures {
  return set === "cubic" ? cubicFeatures(image) : localFeatures(image);
}

/** 1, r, g, b, then all products of degree 2, then of degree 3; r, g, b in [0, 1]. */
export function writeMonomials(r: number, g: number, b: number, into: Float64Array): void {
  const [rr, gg, bb, rg, rb, gb] = [r * r, g * g, b * b, r * g, r * b, g * b];
  into[0] = 1;
  into[1] = r;
  into[2] = g;
  into[3] = b;
  into[4] = rr;
  into[5] = gg;
  into[6] = bb;
  into[7] = rg;
  into[8] = rb;
  into[9] = gb;
  into[10] = rr * r;
  into[11] = gg * g;
  into[12] = bb * b;
  into[13] = rr * g;
  into[14] = rr * b;
  into[15] = gg * r;
  into[16] = gg * b;
  into[17] = bb * r;
  into[18] = bb * g;
  into[19] = rg * b;
}

function cubicFeatures({ width, height, data }: RgbImage): PixelFeatures {
  const area = width * height;
  return {
    count: featureCounts.cubic,
    read: (index, into) =>
      writeMonomials(
        (data[index]! + 1) / 2,
        (data[area + index]! + 1) / 2,
        (data[2 * area + index]! + 1) / 2,
        into,
      ),
  };
}

/**
 * After the monomials: ρ² and ρ⁴ (ρ is the distance from the center, 1 in a corner), the row v from −1 to 1,
 * |∇Y|, G₁∗Y, G₂∗Y, Y − G₁∗Y, Y − G₃∗Y, and r, g, b times ρ², ρ⁴ and v. Y is luma (BT.601), Gσ a Gaussian of
 * σ pixels, ∇ a central difference.
 */
function localFeatures(image: RgbImage): PixelFeatures {
  const { width, height, data } = image;
  const area = width * height;
  const colors = cubicFeatures(image);
  const luma = Float64Array.from(
    { length: area },
    (_, i) => (0.299 * data[i]! + 0.587 * data[area + i]! + 0.114 * data[2 * area + i]! + 1) / 2,
  );
  const [blur1, blur2, blur3] = [1, 2, 3].map((sigma) => gaussianBlur(luma, width, height, sigma));
  const at = (x: number, y: number) =>
    luma[Math.min(height - 1, Math.max(0, y)) * width + Math.min(width - 1, Math.max(0, x))]!;
  return {
    count: featureCounts.local,
    read(index, into) {
      colors.read(index, into);
      const [x, y] = [index % width, Math.floor(index / width)];
      const [u, v] = [(2 * x + 1) / width - 1, (2 * y + 1) / height - 1];
      const rho2 = (u * u + v * v) / 2;
      const places = [rho2, rho2 * rho2, v];
      let next: number = featureCounts.cubic;
      for (const place of places) into[next++] = place;
      into[next++] = Math.hypot(at(x + 1, y) - at(x - 1, y), at(x, y + 1) - at(x, y - 1)) / 2;
      into[next++] = blur1![index]!;
      into[next++] = blur2![index]!;
      into[next++] = luma[index]! - blur1![index]!;
      into[next++] = luma[index]! - blur3![index]!;
      for (const place of places)
        for (let channel = 1; channel <= 3; channel++) into[next++] = into[channel]! * place;
    },
  };
}
