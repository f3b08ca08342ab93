import { photos } from "../state/bench.ts";
import { counted } from "../text/format.ts";
import { Thumbnail } from "./thumbnail.tsx";

/** The photos that will be edited next. */
export function UpNext() {
  const waiting = photos.value;
  if (!waiting.length) return undefined;
  return (
    <section class="up-next" aria-labelledby="next-title">
      <h2 id="next-title">Next: {counted(waiting.length, "photo")}</h2>
      <ul class="gallery">
        {waiting.map((photo) => (
          <li key={photo.id} class="waiting">
            <Thumbnail picture={photo} />
          </li>
        ))}
      </ul>
    </section>
  );
}
