import { photos } from "./bench.ts";
import { learn } from "./learn.ts";
import { attempt } from "./notices.ts";
import { applyEdit, keepDraftRun } from "./runs.ts";

/** Learns the pairs, then edits the photos, if there are any. */
export async function learnAndEdit(): Promise<void> {
  try {
    const learned = await learn();
    if (learned && photos.value.length)
      await attempt("The photos were not edited", () => applyEdit(learned, photos.value));
  } finally {
    keepDraftRun();
  }
}
