import type { InstructionResource } from "../../client/visii.ts";
import { ColorChange } from "./color-change.tsx";

/** Warnings about an instruction's pair or its learning. */
export function LearningNotices({ instruction }: { readonly instruction: InstructionResource }) {
  const { warnings = [], lut_url: lut } = instruction;
  // The color-change warning is shown by ColorChange.
  const others = warnings.filter((sentence) => !sentence.includes("lut_url"));
  return (
    <>
      {others.length ? (
        <ul class="notice warnings" aria-label="Warnings">
          {others.map((sentence) => (
            <li key={sentence}>{sentence}</li>
          ))}
        </ul>
      ) : undefined}
      {lut === undefined ? undefined : <ColorChange lut={lut} />}
    </>
  );
}
