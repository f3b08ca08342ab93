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
  if (id === undefined) return "Uploading the pair";
  if (progress) return stages[progress.stage] ?? progress.stage;
  return ahead ? `Queued, ${ahead} ahead` : "Starting";
}

/** A running learning job: preview, progress, remaining time and loss. */
export function LearningPanel({ learning }: { readonly learning: Learning }) {
  const { progress, before, preview, losses } = learning;
  const part = progress && progress.steps > 0 ? progress.step / progress.steps : 0;
  const isLearning = progress?.stage === "learn";
  return (
    <section class="learning card" aria-labelledby="learning-title">
      <div class="learning-picture">
        {preview !== undefined && before !== undefined ? (
          <Compare before={before} after={preview} name="Preview" isFramed />
        ) : undefined}
        {preview !== undefined && before === undefined ? (
          <img src={preview} alt="Preview of the edit" />
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
          {progress ? `Step ${progress.step} of ${progress.steps}` : "Starting"}
          {preview === undefined || !isLearning ? "" : ". The preview shows the current state."}
        </p>
        <LossCurve losses={losses} steps={progress?.steps ?? 0} />
      </div>
    </section>
  );
}
