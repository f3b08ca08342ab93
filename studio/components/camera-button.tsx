import { CameraIcon } from "./icons.tsx";

interface CameraButtonProps {
  readonly label: string;
  onFiles(files: readonly File[]): void;
}

/** Opens the camera; shown on touch devices. */
export function CameraButton({ label, onFiles }: CameraButtonProps) {
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
          onFiles([...(input.files ?? [])]);
          input.value = "";
        }}
      />
    </label>
  );
}
