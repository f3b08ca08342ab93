import { addFiles, photos, removePhoto } from "../state/bench.ts";
import { CameraButton } from "./camera-button.tsx";
import { DropZone } from "./drop-zone.tsx";
import { CloseIcon, PlusIcon } from "./icons.tsx";
import { Thumbnail } from "./thumbnail.tsx";

/** The photos to edit. */
export function PhotoTray() {
  const add = (files: readonly File[]) => addFiles(files, "photos");
  return (
    <section class="bench-part" aria-labelledby="photos-title">
      <div class="part-head">
        <h2 id="photos-title">Your photos</h2>
        <span class="count">{photos.value.length}</span>
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
          <DropZone label="Add photos" isMultiple onFiles={add}>
            <span class="slot-empty">
              <PlusIcon />
              Add photos
            </span>
          </DropZone>
          <CameraButton label="Take a photo" onFiles={add} />
        </li>
      </ul>
    </section>
  );
}
