import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { Place } from "../state/bench.ts";
import { accepted } from "../state/picture.ts";
import { takeFiles } from "../state/take-files.ts";

interface DropZoneProps {
  readonly label: string;
  readonly place: Place;
  readonly isFull?: boolean;
  readonly isMultiple?: boolean;
  /** Default: images. */
  readonly accept?: string;
  readonly children: ComponentChildren;
}

/** A file input that accepts drops, clicks and the keyboard. */
export function DropZone({ label, place, isFull, isMultiple, accept, children }: DropZoneProps) {
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
        takeFiles([...(event.dataTransfer?.files ?? [])], place);
      }}
    >
      {children}
      <input
        class="sr-only"
        type="file"
        accept={accept ?? accepted}
        multiple={isMultiple ?? false}
        aria-label={label}
        onChange={({ currentTarget: input }) => {
          takeFiles([...(input.files ?? [])], place);
          // Allow choosing the same file again.
          input.value = "";
        }}
      />
    </label>
  );
}
