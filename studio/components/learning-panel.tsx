import type { Learning } from "../state/learn.ts";
import { duration } from "../text/format.ts";
import { Compare } from "./compare.tsx";
import { LossCurve } from "./loss-curve.tsx";

const stages: Readonly<Record<string, string>> = {
  prepare: "Reading the pair",
  prepare_samples: "Preparing samples",
  learn: "Learning",
};

function headline({ id, progress, ahead }: Learning): string {
  if (id === undefined) return "Sending the pair";
  if (progress) return stages[progress.stage] ?? progress.stage;
  return ahead ? `Waiting, ${ahead} before it` : "Starting";
}

/** A learning under way: how it looks so far, how far it is, how long it takes. */
export function LearningPanel({ learning }: { readonly learning: Learning }) {
  const { progress, before, preview, losses } = learning;
  const part = progress && progress.steps > 0 ? progress.step / progress.steps : 0;
  const isLearning = progress?.stage === "learn";
  return (
    <section class="learning card" aria-labelledby="learning-title">
      <div class="learning-picture">
        {preview !== undefined && before !== undefined ? (
          <Compare before={before} after={preview} name="What is learned so far" isFramed />
        ) : undefined}
        {preview !== undefined && before === undefined ? (
          <img src={preview} alt="Before, edited by what is learned so far" />
        ) : undefined}
        {preview === undefined && before !== undefined ? (
          <span class="developing">
            <img src={before} alt="Before" />
          </span>
        ) : undefined}
      </div>
      <div class="learning-facts">
        <h2 id="learning-title">{headline(learning)}</h2>
        <p class="time-left">
          {progress?.eta_seconds === undefined ? "…" : duration(progress.eta_seconds)}
          <small>{progress?.eta_seconds === undefined ? "" : "left"}</small>
        </p>
        <progress value={part} max={1} aria-label="Progress">
          {Math.round(part * 100)} %
        </progress>
        <p class="hint">
          {progress ? `Step ${progress.step} of ${progress.steps}` : "A moment"}
          {preview === undefined || !isLearning ? "" : ". The picture shows what is learned so far."}
        </p>
        <LossCurve losses={losses} steps={progress?.steps ?? 0} />
      </div>
    </section>
  );
}
