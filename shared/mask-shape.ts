interface Size {
  readonly width: number;
  readonly height: number;
}

/** Maximum difference between the aspect ratios of a mask and its photo, to allow for rounded sides. */
const tolerance = 0.01;

/** Returns true if a mask has its photo's aspect ratio. */
export const fitsPhoto = (mask: Size, photo: Size): boolean =>
  Math.abs((mask.width * photo.height) / (mask.height * photo.width) - 1) <= tolerance;
