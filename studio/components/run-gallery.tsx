import { saveAll } from "../state/downloads.ts";
import { attempt } from "../state/notices.ts";
import type { Run } from "../state/runs.ts";
import { counted, money } from "../text/format.ts";
import { CodeSample } from "./code-sample.tsx";
import { DownloadIcon } from "./icons.tsx";
import { ResultCard } from "./result-card.tsx";

/** The photos of a run, with each result as soon as it is available. */
export function RunGallery({ run }: { readonly run: Run }) {
  const { id, title, settings, results, isOpen, isDraft, charged, bodies } = run;
  // While the results of a draft are replaced, only the new ones count.
  const made = results.filter(
    ({ url, isDraft: isOfDraft }) => url !== undefined && (!isOpen || isDraft || !isOfDraft),
  ).length;
  const facts = [
    isOpen ? `${made} of ${counted(results.length, "photo")}` : counted(made, "photo"),
    ...(isDraft ? ["draft, replaced when learning ends"] : []),
    ...settings,
    ...(charged ? [money(charged)] : []),
  ];
  return (
    <section class="run" aria-labelledby={`run-${id}`}>
      <div class="section-head">
        <div>
          <h2 id={`run-${id}`} class="title">
            {title}
          </h2>
          <p class="hint">{facts.join(" · ")}</p>
        </div>
        <div class="row">
          {made > 1 && !isOpen && !isDraft ? (
            <button
              class="button small"
              type="button"
              onClick={() => attempt("The results could not be downloaded", () => saveAll(run))}
            >
              <DownloadIcon /> Download all
            </button>
          ) : undefined}
          {bodies.length && !isDraft ? (
            <CodeSample made={bodies.map((body) => ({ collection: "edits", body }))} />
          ) : undefined}
        </div>
      </div>
      <ul class="gallery">
        {results.map((result, place) => (
          <ResultCard key={result.photo.id} result={result} run={run} place={place} />
        ))}
      </ul>
    </section>
  );
}
