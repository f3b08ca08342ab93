import { effect, signal } from "@preact/signals";
import { account, refreshAccount } from "./account.ts";
import { addFiles } from "./bench.ts";
import { layOutExample } from "./example.ts";
import { takeUpLearning } from "./learn.ts";
import { chosen, library, refreshLibrary } from "./library.ts";
import { attempt, quietly } from "./notices.ts";
import { forgetKey, key, takeKeyFromAddress, wordsOf } from "./session.ts";

/** Why the key that was given does not open the studio. */
export const refusal = signal("");

/** Fills the bench, and opens the account whenever a key is there. */
export function openStudio(): void {
  takeKeyFromAddress();
  addEventListener("hashchange", takeKeyFromAddress);
  addEventListener("paste", ({ clipboardData, target }) => {
    const files = [...(clipboardData?.files ?? [])];
    if (files.length && !(target instanceof HTMLInputElement && target.type === "text"))
      addFiles(files, "anywhere");
  });
  // Beside every zone a drop would leave the page.
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length) addFiles(files, "anywhere");
  });
  effect(() => {
    if (key.value !== "") void openAccount();
  });
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
  await attempt("Learning failed", takeUpLearning);
}
