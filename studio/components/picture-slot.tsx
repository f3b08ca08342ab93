import { type Half, type Pair, setHalf } from "../state/bench.ts";
import { CameraButton } from "./camera-button.tsx";
import { DropZone } from "./drop-zone.tsx";
import { CloseIcon, ImageIcon } from "./icons.tsx";
import { Thumbnail } from "./thumbnail.tsx";

interface PictureSlotProps {
  readonly pair: Pair;
  readonly half: Half;
  /** Of the pair, from 1. */
  readonly number: number;
}

const labels = { before: "Before", after: "After" } as const;

/** Input for one photo of a pair. */
export function PictureSlot({ pair, half, number }: PictureSlotProps) {
  const picture = pair[half];
  const place = { pair: pair.id, half };
  const suffix = number === 1 ? "" : ` ${number}`;
  return (
    <div class="slot">
      <DropZone label={`${labels[half]}${suffix}`} place={place} isFull={picture !== undefined}>
        {picture ? (
          <Thumbnail picture={picture} />
        ) : (
          <span class="slot-empty">
            <ImageIcon />
          </span>
        )}
        <span class="slot-label">{labels[half]}</span>
      </DropZone>
      {picture ? (
        <button
          class="icon-button on-picture"
          type="button"
          aria-label={`Remove the ${half} photo${suffix}`}
          onClick={() => setHalf(pair.id, half, undefined)}
        >
          <CloseIcon />
        </button>
      ) : (
        <CameraButton label={`Take the ${half} photo${suffix}`} place={place} />
      )}
    </div>
  );
}
