import { chosen } from "../state/library.ts";
import { PlusIcon } from "./icons.tsx";

/** Puts the chosen instruction back, so that another pair can be shown. */
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
