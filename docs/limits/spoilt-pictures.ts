import { createRgbImage, cropImage, type RgbImage } from "../../engine/images/rgb-image.ts";
import type { ImagePair } from "../../engine/inversion/image-pair.ts";

/** Swaps left and right. */
export function mirror({ width, height, data }: RgbImage): RgbImage {
  const opposite = (i: number) => i - (i % width) + width - 1 - (i % width);
  return createRgbImage(
    width,
    height,
    data.map((_, i) => data[opposite(i)]!),
  );
}

/** Rounds each channel to `levels` values. */
export function posterize({ width, height, data }: RgbImage, levels: number): RgbImage {
  const step = 2 / (levels - 1);
  return createRgbImage(
    width,
    height,
    data.map((x) => Math.round((x + 1) / step) * step - 1),
  );
}

/** Adds a white disc with a soft rim in the upper left, with a diameter of a sixth of the height. */
export function addSun({ width, height, data }: RgbImage): RgbImage {
  const [left, top, radius] = [width * 0.22, height * 0.25, height / 6];
  return createRgbImage(
    width,
    height,
    data.map((value, i) => {
      const pixel = i % (width * height);
      const distance = Math.hypot((pixel % width) - left, Math.floor(pixel / width) - top);
      const share = Math.min(1, Math.max(0, radius + 1 - distance));
      return value + share * ((i < 2 * width * height ? 1 : 0.6) - value);
    }),
  );
}

/**
 * Shifts a pair: the after image shows the scene `pixels` further up and to the left. Both are crops of the
 * original images, so that only the shift differs. Their sides are multiples of `multiple`.
 */
export function shiftPair({ before, after }: ImagePair, pixels: number, multiple: number): ImagePair {
  const whole = (side: number) => Math.floor((side - pixels) / multiple) * multiple;
  const size = { width: whole(before.width), height: whole(before.height) };
  return {
    before: cropImage(before, { left: 0, top: 0, ...size }),
    after: cropImage(after, { left: pixels, top: pixels, ...size }),
  };
}
