import { signal } from "@preact/signals";
import { pairs, photos } from "./bench.ts";
import { openPicture } from "./picture.ts";

export const exampleName = "Painting";

/** True once its photos have been loaded; then it can be shown again. */
export const isExampleLoaded = signal(false);

const folder = "/studio/example/";

async function fetchPicture(name: string) {
  const response = await fetch(folder + name);
  const blob = await response.blob();
  return openPicture(new File([blob], name, { type: blob.type }), true);
}

/** Fills empty inputs with the example. */
export async function layOutExample(): Promise<void> {
  const pair = Promise.all([fetchPicture("before.jpg"), fetchPicture("after.png")]);
  const others = Promise.all(["flower.jpg", "coffee.jpg", "mountain.jpg"].map(fetchPicture));
  const [before, after] = await pair;
  const [first, ...more] = pairs.value;
  if (first && !more.length && !first.before && !first.after) pairs.value = [{ ...first, before, after }];
  const found = await others;
  if (!photos.value.length) photos.value = found;
  isExampleLoaded.value = true;
}
