import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { accepted } from "../state/picture.ts";

interface DropZoneProps {
  readonly label: string;
  readonly isFull?: boolean;
  readonly isMultiple?: boolean;
  readonly children: ComponentChildren;
  onFiles(files: readonly File[]): void;
}

/** A file input for images that accepts drops, clicks and the keyboard. */
export function DropZone({ label, isFull, isMultiple, children, onFiles }: DropZoneProps) {
  const isOver = useSignal(false);
  return (
    <label
      class={`drop${isOver.value ? " over" : ""}${isFull ? " full" : ""}`}
      onDragOver={(event) => {
        event.preventDefault();
        isOver.value = true;
      }}
      onDragLeave={() => {
        isOver.value = false;
      }}
      onDrop={(event) => {
        event.preventDefault();
        event.stopPropagation();
        isOver.value = false;
        onFiles([...(event.dataTransfer?.files ?? [])]);
      }}
    >
      {children}
      <input
        class="sr-only"
        type="file"
        accept={accepted}
        multiple={isMultiple ?? false}
        aria-label={label}
        onChange={({ currentTarget: input }) => {
          onFiles([...(input.files ?? [])]);
          // Allow choosing the same file again.
          input.value = "";
        }}
      />
    </label>
  );
}
