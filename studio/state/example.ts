import { after, before, photos } from "./bench.ts";
import { openPicture } from "./picture.ts";

export const exampleName = "Painting";

const folder = "/studio/example/";

async function fetchPicture(name: string) {
  const response = await fetch(folder + name);
  const blob = await response.blob();
  return openPicture(new File([blob], name, { type: blob.type }), true);
}

/** Fills empty inputs with the example. */
export async function layOutExample(): Promise<void> {
  const pair = Promise.all(["before.jpg", "after.png"].map(fetchPicture));
  const others = Promise.all(["flower.jpg", "coffee.jpg", "mountain.jpg"].map(fetchPicture));
  const [first, second] = await pair;
  if (!before.value && !after.value) [before.value, after.value] = [first, second];
  const found = await others;
  if (!photos.value.length) photos.value = found;
}
