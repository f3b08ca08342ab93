import { useSignal } from "@preact/signals";
import type { Picture } from "../state/picture.ts";

/** An image, or its name if the browser cannot show it. */
export function Thumbnail({ picture: { url, name } }: { readonly picture: Picture }) {
  const isUnseen = useSignal(false);
  if (isUnseen.value) return <span class="unseen">{name}</span>;
  return (
    <img
      src={url}
      alt={name}
      draggable={false}
      onError={() => {
        isUnseen.value = true;
      }}
    />
  );
}
