import { learning } from "../state/learn.ts";
import { chosen } from "../state/library.ts";
import { runs } from "../state/runs.ts";
import { FailureNotice } from "./failure-notice.tsx";
import { LearningNotices } from "./learning-notices.tsx";
import { LearningPanel } from "./learning-panel.tsx";
import { Lightbox } from "./lightbox.tsx";
import { RunGallery } from "./run-gallery.tsx";
import { UpNext } from "./up-next.tsx";

/** The outputs: progress and results. */
export function Stage() {
  return (
    <section id="stage" class="stage" aria-label="Results">
      <FailureNotice />
      {learning.value ? <LearningPanel learning={learning.value} /> : undefined}
      {learning.value ? <UpNext /> : undefined}
      {chosen.value && !learning.value ? <LearningNotices instruction={chosen.value} /> : undefined}
      {runs.value.map((run) => (
        <RunGallery key={run.id} run={run} />
      ))}
      <Lightbox />
    </section>
  );
}
