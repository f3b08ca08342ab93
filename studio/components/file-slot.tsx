import { importing } from "../state/import-file.ts";
import { DropZone } from "./drop-zone.tsx";
import { FileIcon } from "./icons.tsx";

/** Input for a `.visii` file. */
export function FileSlot() {
  const name = importing.value;
  return (
    <div class="file-slot">
      <DropZone label="Choose a .visii file" accept=".visii" place="anywhere">
        <span class="slot-empty">
          <FileIcon />
          {name === undefined ? "Choose or drop a .visii file" : `Importing ${name} …`}
        </span>
      </DropZone>
      <p class="hint">An instruction saved here or by visii learn, for the model of this service.</p>
    </div>
  );
}
