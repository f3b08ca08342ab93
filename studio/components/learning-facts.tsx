import type { InstructionResource } from "../../client/visii.ts";
import { learned } from "../state/learn.ts";
import { duration, money } from "../text/format.ts";
import { CodeSample } from "./code-sample.tsx";
import { LossCurve } from "./loss-curve.tsx";

/** Facts of an instruction's learning: time, cost, loss and the request. */
export function LearningFacts({ instruction }: { readonly instruction: InstructionResource }) {
  const { id, losses, usage } = instruction;
  if (!usage) return undefined;
  const { compute_seconds: seconds, steps, credits } = usage;
  return (
    <details class="facts">
      <summary>
        Learned in {duration(seconds)}, {steps} steps, {money(credits)}
      </summary>
      {losses?.length ? <LossCurve losses={losses} steps={losses.at(-1)?.step ?? 0} /> : undefined}
      {learned.value?.id === id ? (
        <CodeSample made={[{ collection: "instructions", body: learned.value.body }]} />
      ) : undefined}
    </details>
  );
}
