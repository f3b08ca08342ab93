import { signal } from "@preact/signals";
import { wordsOf } from "./session.ts";

interface Failure {
  readonly title: string;
  readonly message: string;
  /** Does again what failed. */
  readonly retry?: () => unknown;
}

export const failure = signal<Failure | undefined>(undefined);

/** Said to screen readers as it changes. */
export const status = signal("");

/** For what only informs: the next look says it again. */
export function quietly(work: Promise<unknown>): void {
  work.catch(() => undefined);
}

/** Runs what a button starts. A failure is shown, with a way to try again. */
export async function attempt(title: string, work: () => Promise<unknown>): Promise<void> {
  failure.value = undefined;
  try {
    await work();
  } catch (error) {
    failure.value = { title, message: wordsOf(error), retry: () => attempt(title, work) };
  }
}
