import { after, before, hasPair } from "../state/bench.ts";
import { learning } from "../state/learn.ts";
import { ArrowIcon } from "./icons.tsx";
import { PictureSlot } from "./picture-slot.tsx";

/** Inputs for the two photos of a pair. */
export function PairSlots() {
  const isExample = before.value?.isExample && after.value?.isExample;
  return (
    <>
      <fieldset class="pair" disabled={learning.value !== undefined}>
        <legend class="sr-only">Before/after pair</legend>
        <PictureSlot half="before" label="Before" picture={before.value} />
        <span class="pair-arrow">
          <ArrowIcon />
        </span>
        <PictureSlot half="after" label="After" picture={after.value} />
      </fieldset>
      <p class="hint">
        {isExample
          ? "This is an example. Drop, paste or choose your own pair."
          : hasPair.value
            ? "Both photos must show the same scene in the same frame."
            : "Add two photos of the same scene in the same frame, before and after the edit."}
      </p>
    </>
  );
}
