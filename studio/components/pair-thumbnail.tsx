import type { InstructionResource } from "../../client/visii.ts";
import { ImageIcon } from "./icons.tsx";

/** The pair that an instruction was learned from; an imported instruction has none. */
export function PairThumbnail({ instruction }: { readonly instruction: InstructionResource }) {
  const { thumbnail_url: url } = instruction;
  return (
    <span class="pair-thumbnail">
      {url === undefined ? <ImageIcon /> : <img src={url} alt="" width="384" height="192" loading="lazy" />}
    </span>
  );
}
