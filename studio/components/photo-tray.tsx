import { photos, removePhoto, removePhotos } from "../state/bench.ts";
import { counted } from "../text/format.ts";
import { CameraButton } from "./camera-button.tsx";
import { DropZone } from "./drop-zone.tsx";
import { CloseIcon, PlusIcon } from "./icons.tsx";
import { Thumbnail } from "./thumbnail.tsx";

/** The photos to edit. */
export function PhotoTray() {
  const count = photos.value.length;
  return (
    <section class="bench-part" aria-labelledby="photos-title">
      <div class="part-head">
        <h2 id="photos-title">Your photos</h2>
        {count > 1 ? (
          <button class="text-button" type="button" onClick={removePhotos}>
            Remove all {count}
          </button>
        ) : (
          <span class="hint">{count ? counted(count, "photo") : ""}</span>
        )}
      </div>
      <ul class="tray">
        {photos.value.map((photo) => (
          <li key={photo.id} class="tray-photo">
            <Thumbnail picture={photo} />
            <button
              class="icon-button on-picture"
              type="button"
              aria-label={`Remove ${photo.name}`}
              onClick={() => removePhoto(photo.id)}
            >
              <CloseIcon />
            </button>
          </li>
        ))}
        <li class="tray-add">
          <DropZone label="Add photos" isMultiple place="photos">
            <span class="slot-empty">
              <PlusIcon />
              Add
            </span>
          </DropZone>
          <CameraButton label="Take a photo" place="photos" />
        </li>
      </ul>
    </section>
  );
}
