import { draft } from "../state/draft.ts";
import { learning } from "../state/learn.ts";
import { chosen } from "../state/library.ts";
import { runs } from "../state/runs.ts";
import { LearningNotices } from "./learning-notices.tsx";
import { LearningPanel } from "./learning-panel.tsx";
import { Lightbox } from "./lightbox.tsx";
import { RunGallery } from "./run-gallery.tsx";
import { UpNext } from "./up-next.tsx";

/** The outputs: progress and results. */
export function Stage() {
  const isNext = learning.value ? !runs.value.some((run) => run.isDraft) : chosen.value && !runs.value.length;
  const shown = learning.value ? draft.value : chosen.value;
  return (
    <section id="stage" class="stage" aria-label="Results">
      {learning.value ? <LearningPanel learning={learning.value} /> : undefined}
      {isNext ? <UpNext /> : undefined}
      {shown ? <LearningNotices instruction={shown} /> : undefined}
      {runs.value.map((run) => (
        <RunGallery key={run.id} run={run} />
      ))}
      <Lightbox />
    </section>
  );
}
