import { computed, signal } from "@preact/signals";
import { failure } from "./notices.ts";
import { openPicture, type Picture } from "./picture.ts";

/** Where the edit comes from: a pair that shows it, or words. */
export type Source = "pair" | "words";
export const source = signal<Source>("pair");

export const before = signal<Picture | undefined>(undefined);
export const after = signal<Picture | undefined>(undefined);
export const photos = signal<readonly Picture[]>([]);
export const words = signal("");
/** Times the guidance that the instruction was learned under. */
export const strength = signal(1);
/** 0: the noise that the instruction was learned under. */
export const seed = signal(0);

export const hasPair = computed(() => before.value !== undefined && after.value !== undefined);

type Half = "before" | "after";
const halves = { before, after };

/** Puts pictures where they were dropped: into one half of the pair, both, or among the photos. */
export function addFiles(files: readonly File[], place: Half | "photos" | "anywhere"): void {
  failure.value = undefined;
  try {
    const pictures = files.map((file) => openPicture(file));
    if (place === "photos") addPhotos(pictures);
    else if (place === "anywhere") for (const picture of pictures) addAnywhere(picture);
    else {
      const [first, second, ...more] = pictures;
      setHalf(place, first);
      if (second) setHalf(place === "before" ? "after" : "before", second);
      if (more.length) addPhotos(more);
    }
  } catch (error) {
    failure.value = { title: "That file does not fit", message: String((error as Error).message) };
  }
}

/** An example's half says nothing about a photo of one's own. */
export function setHalf(half: Half, picture: Picture | undefined): void {
  const other = halves[half === "before" ? "after" : "before"];
  if (other.value?.isExample) other.value = undefined;
  halves[half].value = picture;
  source.value = "pair";
}

function addPhotos(pictures: readonly Picture[]): void {
  photos.value = [...photos.value.filter(({ isExample }) => !isExample), ...pictures];
}

export function removePhoto(id: number): void {
  photos.value = photos.value.filter((photo) => photo.id !== id);
}

/** What is pasted, or dropped beside every zone, goes to the first place that waits for a picture. */
function addAnywhere(picture: Picture): void {
  if (source.value === "pair" && (!before.value || before.value.isExample)) setHalf("before", picture);
  else if (source.value === "pair" && (!after.value || after.value.isExample)) setHalf("after", picture);
  else addPhotos([picture]);
}
