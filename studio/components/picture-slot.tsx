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

/** Input for one photo of the pair. */
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
          aria-label={`Remove the ${half} photo`}
          onClick={() => setHalf(half, undefined)}
        >
          <CloseIcon />
        </button>
      ) : (
        <CameraButton label={`Take the ${half} photo`} onFiles={(files) => addFiles(files, half)} />
      )}
    </div>
  );
}
