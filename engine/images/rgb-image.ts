/** An RGB image as the models use it, and conversion from and to bytes. */
import { InternalError } from "../errors.ts";

export interface RgbImage {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  /** Planar [3, height, width], sRGB-encoded, −1 (black) … 1 (white). */
  readonly data: Float32Array;
}

/**
 * Wraps planar [3, height, width] values in [−1, 1]. @throws InternalError if the count does not match the
 * size
 */
export function createRgbImage(width: number, height: number, data: Float32Array): RgbImage {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1)
    throw new InternalError(`an image of ${width}×${height} pixels`);
  if (data.length !== 3 * width * height)
    throw new InternalError(
      `an image of ${width}×${height} needs ${3 * width * height} values, got ${data.length}`,
    );
  return { width, height, data };
}

/** From interleaved 8-bit or 16-bit pixels [height, width, channels]; the first three channels are R, G, B. */
export function fromBytes(
  bytes: Uint8Array | Uint16Array,
  width: number,
  height: number,
  channels = 3,
): RgbImage {
  const area = width * height;
  const half = bytes.BYTES_PER_ELEMENT === 2 ? 32767.5 : 127.5;
  if (channels < 3 || bytes.length !== area * channels)
    throw new InternalError(`${bytes.length} bytes are not ${width}×${height}×${channels}`);
  const data = new Float32Array(3 * area);
  for (let pixel = 0; pixel < area; pixel++)
    for (let channel = 0; channel < 3; channel++)
      data[channel * area + pixel] = bytes[pixel * channels + channel]! / half - 1;
  return createRgbImage(width, height, data);
}

/**
 * To interleaved 8-bit pixels [height, width, 3]; values outside [−1, 1] are clipped.
 *
 * @throws InternalError for NaN, which would otherwise silently become black
 */
export function toBytes(image: RgbImage): Uint8Array {
  const bytes = new Uint8Array(image.data.length);
  writePixels(image, bytes, 255);
  return bytes;
}

/** As toBytes, to 16-bit pixels. */
export function toUint16(image: RgbImage): Uint16Array {
  const values = new Uint16Array(image.data.length);
  writePixels(image, values, 65_535);
  return values;
}

function writePixels(image: RgbImage, into: Uint8Array | Uint16Array, max: number): void {
  const area = image.width * image.height;
  for (let channel = 0; channel < 3; channel++)
    for (let pixel = 0; pixel < area; pixel++) {
      const value = image.data[channel * area + pixel]!;
      if (Number.isNaN(value))
        throw new InternalError(`NaN in channel ${channel} of an image, at pixel ${pixel}`);
      into[pixel * 3 + channel] = Math.round(Math.min(max, Math.max(0, (value + 1) * (max / 2))));
    }
}

/** A rectangle of `image`, which must lie inside. */
export function cropImage(
  image: RgbImage,
  { left, top, width, height }: { left: number; top: number; width: number; height: number },
): RgbImage {
  if (left < 0 || top < 0 || left + width > image.width || top + height > image.height)
    throw new InternalError(
      `a crop ${width}×${height} at ${left},${top} of an image ${image.width}×${image.height}`,
    );
  const data = new Float32Array(3 * width * height);
  for (let channel = 0; channel < 3; channel++)
    for (let y = 0; y < height; y++) {
      const from = (channel * image.height + top + y) * image.width + left;
      data.set(image.data.subarray(from, from + width), (channel * height + y) * width);
    }
  return createRgbImage(width, height, data);
}

/** Enlarges `image` by repeating its edge pixels outward. */
export function padImage(
  image: RgbImage,
  { left, top, right, bottom }: { left: number; top: number; right: number; bottom: number },
): RgbImage {
  const width = image.width + left + right;
  const height = image.height + top + bottom;
  const data = new Float32Array(3 * width * height);
  for (let channel = 0; channel < 3; channel++)
    for (let y = 0; y < height; y++) {
      const fromY = Math.min(image.height - 1, Math.max(0, y - top));
      const row = (channel * image.height + fromY) * image.width;
      const to = (channel * height + y) * width;
      for (let x = 0; x < width; x++)
        data[to + x] = image.data[row + Math.min(image.width - 1, Math.max(0, x - left))]!;
    }
  return createRgbImage(width, height, data);
}
