import { computed, effect } from "@preact/signals";
import { account } from "./account.ts";
import { pairs, photos } from "./bench.ts";
import { quietly } from "./notices.ts";
import type { Picture } from "./picture.ts";

const isOpen = computed(() => account.value !== undefined);

/**
 * Uploads photos when they are added, so that editing starts immediately, and deletes the uploads of removed
 * ones.
 */
export function uploadAhead(): void {
  let known: ReadonlySet<Picture> = new Set();
  effect(() => {
    const halves = pairs.value.flatMap(({ before, after }) => [before ?? [], after ?? []].flat());
    const shown = new Set(isOpen.value ? [...halves, ...photos.value] : []);
    for (const picture of shown)
      if (!known.has(picture)) quietly(picture.prepare(halves.includes(picture) ? "pair" : "photo"));
    for (const picture of known) if (!shown.has(picture)) quietly(picture.discard());
    known = shown;
  });
}
