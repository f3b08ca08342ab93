/** Reading and writing images, pairs, charts and image metrics. */
export { psnr } from "../image-quality/psnr.ts";
export { ssim } from "../image-quality/ssim.ts";
export { contactSheet, type SheetCell } from "../images/contact-sheet.ts";
export { type DecodedImage, decodeImage } from "../images/decode-image.ts";
export type { ModelSize } from "../images/fit-to-model.ts";
export { type ImageFormat, type ReadableFormat, readableFormats } from "../images/image-format.ts";
export { imageLibraryVersions } from "../images/image-loaders.ts";
export { type LossPoint, lossCurvePng, lossCurveSvg } from "../images/loss-curve.ts";
export { fitMask } from "../images/mask-image.ts";
export { type OpenPhoto, openPhoto } from "../images/open-photo.ts";
export { resizeImage } from "../images/resize-image.ts";
export type { RgbImage } from "../images/rgb-image.ts";
export { withTransparency } from "../images/with-transparency.ts";
export { encodeImage, extensionOfFormat, formatOfExtension, writeImage } from "../images/write-image.ts";
export type { ImagePair } from "../pairs/fit-pairs.ts";
export { readPairs } from "../read-pairs.ts";
