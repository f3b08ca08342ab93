/**
 * `tsx docs/insert-results.ts FOLDER …`: writes the results of `visii eval` to the model card and those of
 * `npm run research -- ablate` to docs/evaluation.md, each between its markers. Copies their figures to
 * docs/images. Sections without new results are not changed.
 */
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Report } from "../engine/evaluation/report.ts";
import { decodeImage } from "../engine/images/decode-image.ts";
import { resizeImage } from "../engine/images/resize-image.ts";
import { writeImage } from "../engine/images/write-image.ts";
import type { AblationReport } from "../research/ablation/ablation-report.ts";
import { chartName } from "../research/ablation/ablation-text.ts";
import { ablationMarkdown, hasPlot } from "./ablation-markdown.ts";
import { evaluationMarkdown } from "./evaluation-markdown.ts";
import { readMarked, replaceMarked } from "./marked-text.ts";
import { findingsMarkdown } from "./paper-findings.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const card = join(root, "models/mini/README.md");
const page = join(root, "docs/evaluation.md");
const images = join(root, "docs/images");

for (const folder of process.argv.slice(2)) {
  const report: Report | AblationReport = JSON.parse(await readFile(join(folder, "results.json"), "utf8"));
  if ("ablations" in report) await insertAblations(folder, report);
  else await insertEvaluation(folder, report);
}

async function insertAblations(folder: string, report: AblationReport): Promise<void> {
  let text = await readFile(page, "utf8");
  for (const table of report.ablations.filter(({ complete }) => complete)) {
    text = replaceMarked(text, `ablation ${table.name}`, ablationMarkdown(table));
    if (!hasPlot(table)) continue;
    const file = chartName(table.name, "psnr");
    await copyFile(join(folder, file), join(images, `ablation-${file}`));
  }
  await writeFile(
    page,
    replaceMarked(text, "findings", findingsMarkdown(report, readMarked(text, "findings"))),
  );
}

async function insertEvaluation(folder: string, report: Report): Promise<void> {
  if (!report.complete) throw new Error(`${folder} is incomplete: run the same visii eval again.`);
  await writeFile(
    card,
    replaceMarked(await readFile(card, "utf8"), "evaluation", evaluationMarkdown(report)),
  );
  await shrink(join(folder, "sheet.jpg"), join(root, "models/mini/evaluation.webp"));
}

/** Reduces an image to a quarter of its file size, still larger than a page shows it. */
async function shrink(from: string, to: string): Promise<void> {
  const { image } = await decodeImage(from);
  const [width, height] = [image.width, image.height].map((side) => Math.round(0.6 * side));
  await writeImage(to, resizeImage(image, width!, height!), { quality: 65 });
}
