import { addPair, canAddPair, hasPair, isExample, pairs } from "../state/bench.ts";
import { learning } from "../state/learn.ts";
import { ArrowIcon, PlusIcon } from "./icons.tsx";
import { PictureSlot } from "./picture-slot.tsx";

/** Inputs for the photos of the pairs. */
export function PairSlots() {
  const isBusy = learning.value !== undefined;
  return (
    <>
      {pairs.value.map((pair, place) => (
        <fieldset key={pair.id} class="pair" disabled={isBusy}>
          <legend class="sr-only">Before/after pair{place ? ` ${place + 1}` : ""}</legend>
          <PictureSlot pair={pair} half="before" number={place + 1} />
          <span class="pair-arrow">
            <ArrowIcon />
          </span>
          <PictureSlot pair={pair} half="after" number={place + 1} />
        </fieldset>
      ))}
      {canAddPair.value && !isBusy ? (
        <button class="button small add-pair" type="button" onClick={addPair}>
          <PlusIcon /> Add a pair of the same edit
        </button>
      ) : undefined}
      <p class="hint">
        {isExample.value
          ? "This is an example. Drop, paste or choose your own pair."
          : hasPair.value
            ? "Both photos of a pair must show the same scene in the same frame."
            : "Add two photos of the same scene in the same frame, before and after the edit."}
      </p>
    </>
  );
}
