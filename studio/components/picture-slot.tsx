import { addFiles, setHalf } from "../state/bench.ts";
import type { Picture } from "../state/picture.ts";
import { CameraButton } from "./camera-button.tsx";
import { DropZone } from "./drop-zone.tsx";
import { CloseIcon, ImageIcon } from "./icons.tsx";
import { Thumbnail } from "./thumbnail.tsx";

interface PictureSlotProps {
  readonly half: "before" | "after";
  readonly label: string;
  readonly picture: Picture | undefined;
}

/** One half of the pair: a drop zone that shows what lies on it. */
export function PictureSlot({ half, label, picture }: PictureSlotProps) {
  return (
    <div class="slot">
      <DropZone label={label} onFiles={(files) => addFiles(files, half)} isFull={picture !== undefined}>
        {picture ? (
          <Thumbnail picture={picture} />
        ) : (
          <span class="slot-empty">
            <ImageIcon />
          </span>
        )}
        <span class="slot-label">{label}</span>
      </DropZone>
      {picture ? (
        <button
          class="icon-button on-picture"
          type="button"
          aria-label={`Remove the ${half} picture`}
          onClick={() => setHalf(half, undefined)}
        >
          <CloseIcon />
        </button>
      ) : (
        <CameraButton label={`Take the ${half} picture`} onFiles={(files) => addFiles(files, half)} />
      )}
    </div>
  );
}
