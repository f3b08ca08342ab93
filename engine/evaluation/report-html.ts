import { caseCells } from "./case-table.ts";
import type { Finished } from "./finished-work.ts";
import { showScore, tableCells } from "./format-table.ts";
import { Html, html, pathUrl } from "./html.ts";
import type { CaseInputs, InputImage } from "./input-images.ts";
import { metricNames, metrics, type Scores } from "./metric.ts";
import type { Report } from "./report.ts";
import { reportStyle } from "./report-style.ts";
import { tableHtml } from "./table-html.ts";

/** The report as one HTML page. Its images are stored beside it; it loads nothing else. */
export function reportHtml(report: Report, cases: readonly CaseInputs[]): string {
  const { model, seeds, groups } = report;
  const everyCase = caseCells(report);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${report.set}: visii evaluation</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>Evaluation of ${report.set}</h1>
<p class="soft">Model ${model.id} (weights ${model.weightHash.slice(0, 8)}) · ${count(cases.length, "case")} · seeds ${seeds.join(", ")}</p>
</header>
<main>
${report.table.length ? tables("Means over cases", report) : html`<p>Nothing is finished yet.</p>`}
${groups.map((group) => html`${tables(`Means over the group “${group.name}”`, group)}`)}
${everyCase ? tableHtml("Every case, PSNR in dB / SSIM", everyCase) : ""}
<ul>
${report.notes.map((note) => html`<li>${note}</li>`)}
</ul>
<details>
<summary>What the metrics mean</summary>
<dl>
${metricNames.map((name) => html`<dt>${metrics[name].title}</dt><dd>${metrics[name].meaning}</dd>`)}
</dl>
<p class="soft">f and g are CLIP's image and text embeddings. Scores were computed before the images below were saved as JPEG.</p>
</details>
${cases.map((given) =>
  caseSection(
    given,
    report.finished.filter((work) => work.case === given.name),
  ),
)}
</main>
</body>
</html>
`;
  return page.text;
}

/** The style sheet is trusted and not escaped. */
const style = new Html(reportStyle);

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;

function tables(
  title: string,
  { finding, table, differences }: Pick<Report, "finding" | "table" | "differences">,
): Html {
  return html`${finding === null ? "" : html`<p><b>${finding}</b></p>`}
${tableHtml(title, tableCells(table))}
${differences ? tableHtml(`Difference to ${differences.baseline}, case by case`, tableCells(differences.rows, { signed: true })) : ""}`;
}

function caseSection(given: CaseInputs, finished: readonly Finished[]): Html {
  const { name, pairs, tests, texts } = given;
  const chosen = [...new Set(finished.flatMap(({ text }) => text ?? []))];
  return html`<section>
<h2>${name}</h2>
${texts.length ? html`<p class="soft">Texts: ${texts.map((text) => `“${text}”`).join(", ")}${chosen.length ? html`; chosen: ${chosen.map((text) => `“${text}”`).join(", ")}` : ""}.</p>` : ""}
<div class="pictures">
${pairs.flatMap(({ before, after }, index) => {
  const number = pairs.length > 1 ? ` ${index + 1}` : "";
  return [
    figure(before, `${name}: pair${number}, before`, html`<b>before${number}</b>`),
    figure(after, `${name}: pair${number}, after`, html`<b>after${number}</b>`),
  ];
})}
</div>
${tests.map((test) => testRows(name, test, finished))}
</section>`;
}

function testRows(caseName: string, test: CaseInputs["tests"][number], finished: readonly Finished[]): Html {
  const subject = `${caseName}, ${test.name}`;
  const firstSeed = (work: Finished): boolean =>
    finished.find(({ method }) => method === work.method)?.seed === work.seed;
  const results = (works: readonly Finished[]): Html[] =>
    works
      .filter(({ method }) => method !== "unedited")
      .flatMap((work) => resultFigure(subject, test, work) ?? []);
  const others = results(finished.filter((work) => !firstSeed(work)));
  const unedited = scoresOf(
    finished.find(({ method }) => method === "unedited"),
    test.name,
  );
  return html`<h3>${test.name}</h3>
<div class="pictures">
${figure(test.photo, `${subject}: the photo, unedited`, html`<b>photo</b>${unedited ? scoreText(unedited) : ""}`)}
${results(finished.filter(firstSeed))}
${test.truth ? figure(test.truth, `${subject}: the true edit`, html`<b>true edit</b>`) : ""}
</div>
${others.length ? html`<details><summary>Other seeds</summary><div class="pictures">${others}</div></details>` : ""}`;
}

function resultFigure(
  subject: string,
  { name, photo }: CaseInputs["tests"][number],
  work: Finished,
): Html | undefined {
  const result = work.tests.find((test) => test.name === name);
  if (!result) return undefined;
  const { width, height } = photo;
  return figure(
    { path: result.picture, width, height },
    `${subject}: edited by ${work.method}, seed ${work.seed}`,
    html`<b>${work.method}</b>, seed ${work.seed}${scoreText(result.scores)}`,
  );
}

function scoresOf(work: Finished | undefined, name: string): Scores | undefined {
  return work?.tests.find((test) => test.name === name)?.scores;
}

function scoreText(scores: Scores): Html {
  const known = metricNames.flatMap((name) => {
    const score = scores[name];
    return score === null
      ? []
      : [`${metrics[name].title} ${showScore(name, score)} ${metrics[name].unit}`.trim()];
  });
  return html`${known.length ? html`<br>${known.join(" · ")}` : ""}`;
}

function figure({ path, width, height }: InputImage, alt: string, caption: Html): Html {
  return html`<figure><a href="${pathUrl(path)}"><img src="${pathUrl(path)}" alt="${alt}" width="${width}" height="${height}" loading="lazy"></a><figcaption>${caption}</figcaption></figure>`;
}
