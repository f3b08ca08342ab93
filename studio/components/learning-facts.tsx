import type { InstructionResource } from "../../client/visii.ts";
import { learned } from "../state/learn.ts";
import { duration, money } from "../text/format.ts";
import { CodeSample } from "./code-sample.tsx";
import { LossCurve } from "./loss-curve.tsx";

function madeBy({ usage, thumbnail_url: pair }: InstructionResource): string {
  if (usage?.steps) return "Learned in";
  return pair === undefined ? "Imported in" : "Written by the pair encoder in";
}

/** Facts of an instruction's learning: time, cost, loss and the request. */
export function LearningFacts({ instruction }: { readonly instruction: InstructionResource }) {
  const { id, losses, usage } = instruction;
  if (!usage) return undefined;
  const { compute_seconds: seconds, steps, credits } = usage;
  return (
    <details class="facts">
      <summary>
        {madeBy(instruction)} {duration(seconds)}
        {steps ? `, ${steps} steps` : ""}, {money(credits)}
      </summary>
      {losses?.length ? <LossCurve losses={losses} steps={losses.at(-1)?.step ?? 0} /> : undefined}
      {learned.value?.id === id ? (
        <CodeSample made={[{ collection: "instructions", body: learned.value.body }]} />
      ) : undefined}
    </details>
  );
}
