import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import { VisibleError } from "../errors.ts";
import { embedInPng } from "../metadata/embed-png.ts";
import { profileOf, spaceOfHeif } from "./assign-profile.ts";
import { guardedSharp } from "./image-loaders.ts";

/** Decoding time limit in milliseconds. 50 megapixels take a few seconds. */
const timeLimit = 60_000;

interface HeicLimits {
  readonly maxSide: number;
  readonly maxPixels: number;
}

/**
 * Runs in a worker thread, which can be terminated. libheif limits boxes, items and memory, and applies
 * rotation and mirroring. The source is a string, so that it runs the same from TypeScript, from the package
 * and from a bundle.
 */
const threadSource = `
const { parentPort, workerData } = require("node:worker_threads");
const { HeifDecoder } = require(workerData.library);
const images = new HeifDecoder().decode(workerData.bytes);
const image = images.find((one) => one.is_primary()) ?? images[0];
if (!image) throw new Error("libheif found no image in the file");
const [width, height] = [image.get_width(), image.get_height()];
const { maxSide, maxPixels } = workerData.limits;
if (Math.max(width, height) > maxSide || width * height > maxPixels) parentPort.postMessage({ width, height });
else {
  const data = new Uint8ClampedArray(width * height * 4);
  image.display({ data, width, height }, (shown) => {
    if (!shown) throw new Error("libheif cannot decode the image");
    parentPort.postMessage({ width, height, data }, [data.buffer]);
  });
}`;

interface Decoded {
  readonly width: number;
  readonly height: number;
  /** RGBA; absent if the image exceeds the limits. */
  readonly data?: Uint8ClampedArray;
}

/**
 * Converts a HEIC photo to an uncompressed PNG, upright, with its color profile; 10 bits become 8. The
 * decoder is libheif compiled to WebAssembly (libheif-js, LGPL-3.0).
 *
 * @param icc the photo's ICC profile; without one, its code points apply
 * @throws VisibleError `image_too_large` or `unsupported_image`; any other error for a damaged file
 */
export async function heicToPng(
  bytes: Uint8Array,
  icc: Uint8Array | undefined,
  subject: string,
  limits: HeicLimits,
): Promise<Uint8Array> {
  const profile = icc ?? profileOf(spaceOfHeif(bytes), subject);
  const { width, height, data } = await decodeInThread(bytes, limits);
  if (!data)
    throw new VisibleError(
      "image_too_large",
      `${subject} is ${width}×${height} pixels; the limits are ${limits.maxSide} pixels per side and ${limits.maxPixels / 1e6} megapixels. Scale it down first.`,
    );
  const png = await guardedSharp()(data, { raw: { width, height, channels: 4 } })
    .png({ compressionLevel: 0 })
    .toBuffer();
  return profile ? embedInPng(png, { profile }) : png;
}

async function decodeInThread(bytes: Uint8Array, limits: HeicLimits): Promise<Decoded> {
  const library = createRequire(import.meta.url).resolve("libheif-js/wasm-bundle.js");
  const worker = new Worker(threadSource, {
    eval: true,
    workerData: { library, bytes, limits },
    // libheif-js prints the errors that it throws.
    stdout: true,
    stderr: true,
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Decoded>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`decoding took more than ${timeLimit / 1000} s`)), timeLimit);
      worker.once("message", resolve);
      worker.once("error", reject);
      worker.once("exit", () => reject(new Error("the decoder ended without an image")));
    });
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}
