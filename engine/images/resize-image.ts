import { resamplePlanes } from "./resample.ts";
import { createRgbImage, cropImage, type RgbImage } from "./rgb-image.ts";

/** Resizes with Lanczos-3 and clips overshoot to [−1, 1]. The same size returns the image itself. */
export function resizeImage(image: RgbImage, width: number, height: number): RgbImage {
  if (image.width === width && image.height === height) return image;
  const data = resamplePlanes(image.data, image, { width, height });
  for (let index = 0; index < data.length; index++) data[index] = Math.min(1, Math.max(-1, data[index]!));
  return createRgbImage(width, height, data);
}

/** Crops the center of `image` to the aspect ratio of width × height, then resizes. */
export function coverImage(image: RgbImage, width: number, height: number): RgbImage {
  const scale = Math.min(image.width / width, image.height / height);
  const cropWidth = Math.max(1, Math.min(image.width, Math.round(width * scale)));
  const cropHeight = Math.max(1, Math.min(image.height, Math.round(height * scale)));
  const middle = cropImage(image, {
    left: Math.floor((image.width - cropWidth) / 2),
    top: Math.floor((image.height - cropHeight) / 2),
    width: cropWidth,
    height: cropHeight,
  });
  return resizeImage(middle, width, height);
}
