import type { Place } from "../state/bench.ts";
import { takeFiles } from "../state/take-files.ts";
import { CameraIcon } from "./icons.tsx";

interface CameraButtonProps {
  readonly label: string;
  readonly place: Place;
}

/** Opens the camera; shown on touch devices. */
export function CameraButton({ label, place }: CameraButtonProps) {
  return (
    <label class="icon-button on-picture camera">
      <CameraIcon />
      <input
        class="sr-only"
        type="file"
        accept="image/*"
        capture="environment"
        aria-label={label}
        onChange={({ currentTarget: input }) => {
          takeFiles([...(input.files ?? [])], place);
          input.value = "";
        }}
      />
    </label>
  );
}
