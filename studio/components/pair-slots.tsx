import { after, before, hasPair } from "../state/bench.ts";
import { learning } from "../state/learn.ts";
import { ArrowIcon } from "./icons.tsx";
import { PictureSlot } from "./picture-slot.tsx";

/** Where the two pictures of a pair lie. */
export function PairSlots() {
  const isExample = before.value?.isExample && after.value?.isExample;
  return (
    <>
      <fieldset class="pair" disabled={learning.value !== undefined}>
        <legend class="sr-only">A pair of pictures</legend>
        <PictureSlot half="before" label="Before" picture={before.value} />
        <span class="pair-arrow">
          <ArrowIcon />
        </span>
        <PictureSlot half="after" label="After" picture={after.value} />
      </fieldset>
      <p class="hint">
        {isExample
          ? "An example to begin with. Drop, paste or choose your own pair."
          : hasPair.value
            ? "Both show the same scene in the same frame."
            : "The same scene in the same frame, before the edit and after it."}
      </p>
    </>
  );
}
