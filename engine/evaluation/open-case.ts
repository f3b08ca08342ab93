import { createHash } from "node:crypto";
import { VisibleError } from "../errors.ts";
import { decodeImage } from "../images/decode-image.ts";
import { maxElongation } from "../images/fit-to-model.ts";
import { readImageFile } from "../images/read-image-file.ts";
import { resizeImage } from "../images/resize-image.ts";
import type { RgbImage } from "../images/rgb-image.ts";
import { alignPair, maxAspectRatio } from "../pairs/align-pair.ts";
import type { CaseFiles, OpenCase, OpenPair, OpenTest } from "./evaluation-case.ts";

/**
 * Maximum side of images in pixels. Larger images are scaled down first, for all methods; this limits the
 * time of SSIM and the size of the report.
 */
const longestSide = 1024;

/**
 * Decodes a case's images. After images are resized to their before images, true edits to their photos.
 *
 * @param side maximum side of the images
 * @throws VisibleError for an unreadable image, or one whose aspect ratio does not match its partner's or the
 * model
 */
export async function openCase(
  { name, description, pairs: [firstPair, ...otherPairs], tests: testFiles }: CaseFiles,
  note: (line: string) => void = () => undefined,
  side = longestSide,
): Promise<OpenCase> {
  const hash = createHash("sha256").update(JSON.stringify(description));
  if (side !== longestSide) hash.update(`at most ${side} pixels a side`);
  const read = async (path: string): Promise<RgbImage> => {
    const bytes = await readImageFile(path);
    hash.update(createHash("sha256").update(bytes).digest());
    const { image } = await decodeImage(bytes, path);
    requireModestShape(path, image);
    return scaleDown(image, side);
  };
  const openPair = async (files: CaseFiles["pairs"][0]): Promise<OpenPair> => {
    const { notices, warnings, ...pair } = alignPair(
      await read(files.before),
      await read(files.after),
      files,
    );
    for (const line of [...notices, ...warnings]) note(line);
    return pair;
  };

  const pairs: [OpenPair, ...OpenPair[]] = [await openPair(firstPair)];
  for (const files of otherPairs) pairs.push(await openPair(files));
  const tests: OpenTest[] = [];
  for (const files of testFiles) {
    hash.update(files.name);
    const photo = await read(files.photo);
    if (files.truth === undefined) tests.push({ name: files.name, photo });
    else {
      const truth = await read(files.truth);
      requireSameShape(files.photo, photo, files.truth, truth);
      tests.push({ name: files.name, photo, truth: resizeImage(truth, photo.width, photo.height) });
    }
  }
  return { name, description, pairs, tests, digest: hash.digest("hex") };
}

function scaleDown(image: RgbImage, side: number): RgbImage {
  const scale = side / Math.max(image.width, image.height);
  return scale >= 1
    ? image
    : resizeImage(image, Math.round(image.width * scale), Math.round(image.height * scale));
}

function requireModestShape(path: string, { width, height }: RgbImage): void {
  if (Math.max(width / height, height / width) > maxElongation)
    throw new VisibleError(
      "image_too_elongated",
      `${path} is ${width}×${height}, longer than ${maxElongation}:1; crop it to the part to edit.`,
    );
  if (Math.min(width, height) < 11)
    throw new VisibleError(
      "image_too_small",
      `${path} is ${width}×${height}; SSIM needs at least 11 pixels per side.`,
    );
}

function requireSameShape(photoPath: string, photo: RgbImage, truthPath: string, truth: RgbImage): void {
  const mismatch = photo.width / photo.height / (truth.width / truth.height);
  if (Math.max(mismatch, 1 / mismatch) > maxAspectRatio)
    throw new VisibleError(
      "invalid_set",
      `${truthPath} is ${truth.width}×${truth.height} and ${photoPath} is ${photo.width}×${photo.height}; a true edit must have the aspect ratio of its photo. Crop both to the same frame.`,
    );
}
