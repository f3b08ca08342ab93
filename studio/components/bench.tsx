import { source } from "../state/bench.ts";
import { learning } from "../state/learn.ts";
import { chosen } from "../state/library.ts";
import { ActionBar } from "./action-bar.tsx";
import { Adjustments } from "./adjustments.tsx";
import { ChosenInstruction } from "./chosen-instruction.tsx";
import { FileSlot } from "./file-slot.tsx";
import { NewEditButton } from "./new-edit-button.tsx";
import { PairSlots } from "./pair-slots.tsx";
import { PhotoTray } from "./photo-tray.tsx";
import { SourceSwitch } from "./source-switch.tsx";
import { WordsField } from "./words-field.tsx";

/** The inputs: the edit, the photos and the settings. */
export function Bench() {
  const isWords = source.value === "words";
  const isChosen = source.value === "pair" && chosen.value !== undefined && !learning.value;
  return (
    <form class="bench" aria-label="Workbench" onSubmit={(event) => event.preventDefault()}>
      <section class="bench-part" aria-labelledby="edit-title">
        <div class="part-head">
          <h2 id="edit-title">The edit</h2>
          {isChosen ? <NewEditButton /> : <SourceSwitch />}
        </div>
        {isWords ? (
          <WordsField label="Describe the edit" placeholder="make it look like a pencil sketch" />
        ) : undefined}
        {isChosen && chosen.value ? <ChosenInstruction instruction={chosen.value} /> : undefined}
        {source.value === "pair" && !isChosen ? <PairSlots /> : undefined}
        {source.value === "file" ? <FileSlot /> : undefined}
      </section>
      <PhotoTray />
      <section class="bench-part" aria-labelledby="adjust-title">
        <h2 id="adjust-title">Adjust</h2>
        {isWords ? undefined : <WordsField label="Additional text" placeholder="and a little grain" />}
        <Adjustments />
      </section>
      <ActionBar />
    </form>
  );
}
