import { saveResult } from "../state/downloads.ts";
import { attempt } from "../state/notices.ts";
import type { Result, Run } from "../state/runs.ts";
import { zoomed } from "../state/zoomed.ts";
import { Compare } from "./compare.tsx";
import { DownloadIcon, ExpandIcon } from "./icons.tsx";
import { Thumbnail } from "./thumbnail.tsx";

interface ResultCardProps {
  readonly result: Result;
  readonly run: Run;
  readonly place: number;
}

/** One photo of a run: pending, or before and after. */
export function ResultCard({ result, run, place }: ResultCardProps) {
  const { photo, url, width, height, isDraft } = result;
  if (url === undefined || width === undefined || height === undefined)
    return (
      <li class="result">
        <span class="developing">
          <Thumbnail picture={photo} />
        </span>
      </li>
    );
  return (
    <li class="result">
      <Compare before={photo.url} after={url} name={photo.name} size={{ width, height }} />
      <div class="result-foot">
        <span class="result-name">{photo.name}</span>
        <span class="result-size">{isDraft ? "draft" : `${width} × ${height}`}</span>
        <button
          class="icon-button"
          type="button"
          aria-label={`Enlarge ${photo.name}`}
          onClick={() => {
            zoomed.value = { run: run.id, place };
          }}
        >
          <ExpandIcon />
        </button>
        <button
          class="icon-button"
          type="button"
          aria-label={`Download edited ${photo.name}`}
          onClick={() => attempt("The result could not be downloaded", () => saveResult(result, run))}
        >
          <DownloadIcon />
        </button>
      </div>
    </li>
  );
}
