import { signal } from "@preact/signals";
import { wordsOf } from "./session.ts";

interface Failure {
  readonly title: string;
  readonly message: string;
  /** Repeats the failed action. */
  readonly retry?: () => unknown;
}

export const failure = signal<Failure | undefined>(undefined);

/** Announced to screen readers when it changes. */
export const status = signal("");

/** Ignores failures of background requests, which are repeated anyway. */
export async function quietly(work: Promise<unknown>): Promise<void> {
  await work.catch(() => undefined);
}

/** Runs a button's action. A failure is shown with a button to retry. */
export async function attempt(title: string, work: () => Promise<unknown>): Promise<void> {
  failure.value = undefined;
  try {
    await work();
  } catch (error) {
    failure.value = { title, message: wordsOf(error), retry: () => attempt(title, work) };
  }
}
