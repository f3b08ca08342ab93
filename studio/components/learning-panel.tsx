import type { Learning } from "../state/learn.ts";
import { duration } from "../text/format.ts";
import { Compare } from "./compare.tsx";
import { LossCurve } from "./loss-curve.tsx";

const stages: Readonly<Record<string, string>> = {
  prepare: "Reading the pair",
  prepare_samples: "Preparing samples",
  learn: "Learning",
};

function headline({ id, isDraft, progress, ahead }: Learning): string {
  if (id === undefined) return "Uploading the pair";
  if (isDraft) return "Making a draft";
  if (progress) return stages[progress.stage] ?? progress.stage;
  return ahead ? `Queued, ${ahead} ahead` : "Starting";
}

/** A running learning job: preview, progress, remaining time and loss. */
export function LearningPanel({ learning }: { readonly learning: Learning }) {
  const { progress, before, preview, losses } = learning;
  const { stage, step = 0, steps = 0, eta_seconds: seconds } = progress ?? {};
  // The first stage's estimate excludes the later ones.
  const left = stage === "prepare" ? undefined : seconds;
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
        <h2 id="learning-title" class={left === undefined ? "title" : ""}>
          {headline(learning)}
        </h2>
        {left === undefined ? undefined : (
          <p class="time-left">
            {duration(left)} <small>left</small>
          </p>
        )}
        {progress ? (
          <progress value={steps ? step / steps : 0} max={1} aria-label="Progress">
            {Math.round((100 * step) / (steps || 1))} %
          </progress>
        ) : undefined}
        <p class="hint">
          {learning.isDraft
            ? "The model's pair encoder writes a first instruction, which edits your photos. Learning refines it."
            : ""}
          {progress ? `Step ${step} of ${steps}.` : ""}
          {preview === undefined ? "" : " The preview is the before photo, edited as learned so far."}
        </p>
        <LossCurve losses={losses} steps={steps} />
      </div>
    </section>
  );
}
