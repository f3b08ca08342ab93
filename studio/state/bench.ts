import { computed, signal } from "@preact/signals";
import { failure } from "./notices.ts";
import { openPicture, type Picture } from "./picture.ts";

/** Source of the edit: before/after pairs, a text prompt, or a `.visii` file. */
type Source = "pair" | "words" | "file";
export const source = signal<Source>("pair");

export type Half = "before" | "after";

/** A before/after pair; a half is absent until its photo is added. */
export interface Pair extends Partial<Readonly<Record<Half, Picture>>> {
  readonly id: number;
}

/** A pair with both photos. */
type WholePair = Required<Pair>;

/** Maximum pairs per instruction. */
const maxPairs = 8;

export const pairs = signal<readonly Pair[]>([{ id: 0 }]);
export const photos = signal<readonly Picture[]>([]);
export const words = signal("");
/** Guidance scale of the edit; undefined uses the instruction's own. */
export const textGuidance = signal<number | undefined>(undefined);
/** 0: the noise that the instruction was learned with. */
export const seed = signal(0);

const isWhole = (pair: Pair): pair is WholePair => pair.before !== undefined && pair.after !== undefined;
const isEmpty = (pair: Pair): boolean => pair.before === undefined && pair.after === undefined;

export const wholePairs = computed(() => pairs.value.filter(isWhole));
/** A pair that lacks one photo. */
export const hasHalfPair = computed(() => pairs.value.some((pair) => !isWhole(pair) && !isEmpty(pair)));
export const hasPair = computed(() => wholePairs.value.length > 0 && !hasHalfPair.value);
export const isBenchEmpty = computed(() => pairs.value.every(isEmpty) && photos.value.length === 0);
export const isExample = computed(() => pairs.value.some(isOfExample));
export const canAddPair = computed(
  () => !isExample.value && pairs.value.every(isWhole) && pairs.value.length < maxPairs,
);

const isOfExample = ({ before, after }: Pair) => before?.isExample === true || after?.isExample === true;

let count = 0;

export function addPair(): void {
  pairs.value = [...pairs.value, { id: ++count }];
}

/** Where images were dropped: a half of a pair, the photos, or outside both. */
export type Place = { readonly pair: number; readonly half: Half } | "photos" | "anywhere";

/** Adds images where they were dropped: one or both halves of a pair, or the photos. */
export function addPictures(files: readonly File[], place: Place): void {
  failure.value = undefined;
  try {
    const pictures = files.map((file) => openPicture(file));
    if (place === "photos") addPhotos(pictures);
    else if (place === "anywhere") for (const picture of pictures) addAnywhere(picture);
    else {
      const [first, second, ...more] = pictures;
      setHalf(place.pair, place.half, first);
      if (second) setHalf(place.pair, place.half === "before" ? "after" : "before", second);
      if (more.length) addPhotos(more);
    }
  } catch (error) {
    failure.value = { title: "The file cannot be used", message: String((error as Error).message) };
  }
}

/**
 * Sets or removes one half of a pair. An example in the other half is removed, because it does not match the
 * user's photo; so is a pair without photos if there are others.
 */
export function setHalf(id: number, half: Half, picture: Picture | undefined): void {
  const changed = pairs.value.map((pair) => {
    if (pair.id !== id) return pair;
    const other = half === "before" ? pair.after : pair.before;
    const kept = other?.isExample ? undefined : other;
    const halves = half === "before" ? { before: picture, after: kept } : { before: kept, after: picture };
    return {
      id,
      ...(halves.before ? { before: halves.before } : {}),
      ...(halves.after ? { after: halves.after } : {}),
    };
  });
  const left = picture ? changed : changed.filter((pair) => pair.id !== id || !isEmpty(pair));
  pairs.value = left.length ? left : changed;
  source.value = "pair";
}

function addPhotos(pictures: readonly Picture[]): void {
  photos.value = [...photos.value.filter(({ isExample }) => !isExample), ...pictures];
}

export function removePhoto(id: number): void {
  photos.value = photos.value.filter((photo) => photo.id !== id);
}

export function removePhotos(): void {
  photos.value = [];
}

/** Adds an image that was pasted or dropped outside the drop zones to the first empty place. */
function addAnywhere(picture: Picture): void {
  const place = source.value === "pair" ? firstEmptyHalf() : undefined;
  if (place) setHalf(place.id, place.half, picture);
  else addPhotos([picture]);
}

function firstEmptyHalf(): { readonly id: number; readonly half: Half } | undefined {
  for (const { id, before, after } of pairs.value) {
    if (!before || before.isExample) return { id, half: "before" };
    if (!after || after.isExample) return { id, half: "after" };
  }
  return undefined;
}
