import { effect, signal } from "@preact/signals";
import { account, refreshAccount } from "./account.ts";
import { layOutExample } from "./example.ts";
import { resumeLearning } from "./learn.ts";
import { chosen, library, refreshLibrary } from "./library.ts";
import { attempt, quietly } from "./notices.ts";
import { forgetKey, key, takeKeyFromAddress, wordsOf } from "./session.ts";
import { takeFiles } from "./take-files.ts";
import { uploadAhead } from "./upload-ahead.ts";

/** Why the given key was rejected. */
export const refusal = signal("");

/** Fills the inputs, and loads the account whenever there is a key. */
export function openStudio(): void {
  takeKeyFromAddress();
  addEventListener("hashchange", takeKeyFromAddress);
  addEventListener("paste", ({ clipboardData, target }) => {
    const files = [...(clipboardData?.files ?? [])];
    if (files.length && !(target instanceof HTMLInputElement && target.type === "text"))
      takeFiles(files, "anywhere");
  });
  // Otherwise a drop outside the drop zones would navigate away.
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length) takeFiles(files, "anywhere");
  });
  effect(() => {
    if (key.value !== "") void openAccount();
  });
  uploadAhead();
  quietly(layOutExample());
}

async function openAccount(): Promise<void> {
  refusal.value = "";
  account.value = undefined;
  library.value = [];
  chosen.value = undefined;
  try {
    await Promise.all([refreshAccount(), refreshLibrary()]);
  } catch (error) {
    refusal.value = wordsOf(error);
    forgetKey();
    return;
  }
  await attempt("Learning failed", resumeLearning);
}
