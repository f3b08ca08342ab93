import { computed, signal } from "@preact/signals";
import { type Result, type Run, runs } from "./runs.ts";

/** The enlarged result. */
export const zoomed = signal<{ readonly run: number; readonly place: number } | undefined>(undefined);

export const zoomedResult = computed((): { readonly run: Run; readonly result: Result } | undefined => {
  const run = runs.value.find(({ id }) => id === zoomed.value?.run);
  const result = run?.results[zoomed.value?.place ?? 0];
  return run && result && { run, result };
});

/** Moves to the next or previous available result of the run. */
export function step(by: 1 | -1): void {
  const shown = zoomedResult.value;
  if (!zoomed.value || !shown) return;
  const { results } = shown.run;
  for (let place = zoomed.value.place + by; results[place]; place += by)
    if (results[place]?.url !== undefined) {
      zoomed.value = { ...zoomed.value, place };
      return;
    }
}
