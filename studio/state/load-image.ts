/** Loads an image, so that it is shown at once when it replaces another one. */
export async function loadImage(url: string): Promise<void> {
  const image = new Image();
  image.src = url;
  await image.decode();
}
