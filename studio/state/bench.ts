import { computed, signal } from "@preact/signals";
import { failure } from "./notices.ts";
import { openPicture, type Picture } from "./picture.ts";

/** Source of the edit: a pair or a text prompt. */
type Source = "pair" | "words";
export const source = signal<Source>("pair");

export const before = signal<Picture | undefined>(undefined);
export const after = signal<Picture | undefined>(undefined);
export const photos = signal<readonly Picture[]>([]);
export const words = signal("");
/** Factor of the guidance scale that the instruction was learned with. */
export const strength = signal(1);
/** 0: the noise that the instruction was learned with. */
export const seed = signal(0);

export const hasPair = computed(() => before.value !== undefined && after.value !== undefined);

type Half = "before" | "after";
const halves = { before, after };

/** Adds images at the place where they were dropped: one or both halves of the pair, or the photos. */
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
    failure.value = { title: "The file cannot be used", message: String((error as Error).message) };
  }
}

/** Sets one half. An example in the other half is removed, because it does not match the user's photo. */
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

/** Adds an image that was pasted or dropped outside the drop zones to the first empty place. */
function addAnywhere(picture: Picture): void {
  if (source.value === "pair" && (!before.value || before.value.isExample)) setHalf("before", picture);
  else if (source.value === "pair" && (!after.value || after.value.isExample)) setHalf("after", picture);
  else addPhotos([picture]);
}
