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

/** A place for pictures: to drop on, to click, and to open with the keyboard. */
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
          // The same file may be chosen once more.
          input.value = "";
        }}
      />
    </label>
  );
}
