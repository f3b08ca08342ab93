import { chosen } from "../state/library.ts";
import { PlusIcon } from "./icons.tsx";

/** Deselects the instruction, to learn from another pair. */
export function NewEditButton() {
  return (
    <button
      class="button small"
      type="button"
      onClick={() => {
        chosen.value = undefined;
      }}
    >
      <PlusIcon /> New edit
    </button>
  );
}
