import { useSignal } from "@preact/signals";
import type { InstructionResource } from "../../client/visii.ts";
import { nameOf, remove, rename } from "../state/library.ts";
import { attempt } from "../state/notices.ts";
import { DownloadIcon, TrashIcon } from "./icons.tsx";
import { LearningFacts } from "./learning-facts.tsx";
import { PairThumbnail } from "./pair-thumbnail.tsx";

/** The selected instruction, with actions to rename, save, delete and inspect it. */
export function ChosenInstruction({ instruction }: { readonly instruction: InstructionResource }) {
  const isSure = useSignal(false);
  const { file_url: file, lut_url: lut } = instruction;
  return (
    <div class="chosen">
      <PairThumbnail instruction={instruction} />
      <label class="control">
        <span class="label">Name</span>
        <input
          class="field"
          type="text"
          maxLength={200}
          value={nameOf(instruction)}
          onChange={({ currentTarget }) =>
            attempt("The edit could not be renamed", () => rename(instruction, currentTarget.value))
          }
        />
      </label>
      <div class="row">
        {file === undefined ? undefined : (
          <a class="button small" href={file} download>
            <DownloadIcon /> .visii
          </a>
        )}
        {lut === undefined ? undefined : (
          <a class="button small" href={lut} download>
            <DownloadIcon /> .cube
          </a>
        )}
        <button
          class="button small"
          type="button"
          onBlur={() => {
            isSure.value = false;
          }}
          onClick={() => {
            if (isSure.value) void attempt("The edit could not be deleted", () => remove(instruction));
            isSure.value = !isSure.value;
          }}
        >
          <TrashIcon /> {isSure.value ? "Confirm deletion" : "Delete"}
        </button>
      </div>
      <LearningFacts instruction={instruction} />
    </div>
  );
}
