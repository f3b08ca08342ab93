import type { InstructionResource } from "../../client/visii.ts";
import { ColorChange } from "./color-change.tsx";

/** What the service finds odd about an instruction's pair or its learning. */
export function LearningNotices({ instruction }: { readonly instruction: InstructionResource }) {
  const { warnings = [], lut_url: lut } = instruction;
  // What is said of the table is said beside it.
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
