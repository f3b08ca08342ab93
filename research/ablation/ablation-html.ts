import { Html, html, pathUrl } from "../../engine/evaluation/html.ts";
import { type Metric, metrics } from "../../engine/evaluation/metric.ts";
import { reportStyle } from "../../engine/evaluation/report-style.ts";
import { tableHtml } from "../../engine/evaluation/table-html.ts";
import type { AblationReport, AblationTable } from "./ablation-report.ts";
import { ablationCells, cellMeaning } from "./ablation-text.ts";

/** A chart of an ablation. */
export interface DrawnChart {
  readonly ablation: string;
  readonly metric: Metric;
  /** File name in the page's folder. */
  readonly file: string;
}

/** The report as an HTML page. Its charts are stored beside it; it loads nothing else. */
export function ablationHtml(report: AblationReport, charts: readonly DrawnChart[]): string {
  const { set, model, cases, seeds, side, notes, ablations } = report;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${set}: visii ablations</title>
<style>${new Html(reportStyle)}</style>
</head>
<body>
<header>
<h1>Ablations on ${set}</h1>
<p class="soft">Model ${model.id} (weights ${model.weightHash.slice(0, 8)}) · cases ${cases.join(", ")} · seeds ${seeds.join(", ")}${side === null ? "" : ` · ${side} pixels`}</p>
</header>
<main>
<ul>
${[cellMeaning, ...notes].map((note) => html`<li>${note}</li>`)}
</ul>
${ablations.map((table) =>
  section(
    table,
    charts.filter(({ ablation }) => ablation === table.name),
  ),
)}
</main>
</body>
</html>
`.text;
}

function section(table: AblationTable, charts: readonly DrawnChart[]): Html {
  return html`<section>
<h2>${table.title}${table.complete ? "" : " (incomplete)"}</h2>
<p>${table.about}</p>
${tableHtml(table.title, ablationCells(table))}
<div class="charts">
${charts.map(({ file, metric }) => html`<img src="${pathUrl(file)}" alt="${table.title}: ${metrics[metric].title}" loading="lazy">`)}
</div>
</section>`;
}
