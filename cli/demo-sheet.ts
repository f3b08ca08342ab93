import { contactSheet, decodeImage, type ImagePair, lossCurvePng, type SheetCell } from "visii-engine/images";
import type { DemoColumn, DemoRow } from "./demo-photos.ts";
import { showDecibels } from "./demo-report.ts";
import type { Instruction } from "./engine.ts";
import { lossPoints } from "./loss-points.ts";
import { showDuration } from "./progress-bar.ts";

const cellWidth = 288;
const gap = 20;

/** The loss curve, rendered at the size of its cell. */
async function chartCell(instruction: Instruction, span: number): Promise<SheetCell> {
  const width = span * (cellWidth + gap) - gap;
  const png = await lossCurvePng(lossPoints(instruction), { width, height: cellWidth });
  return { image: (await decodeImage(png, "the loss curve")).image, span };
}

function rowCells({ photo, results, truth, unedited }: DemoRow): SheetCell[] {
  return [
    { image: photo, ...(unedited ? { caption: `unedited: ${showDecibels(unedited)}` } : {}) },
    ...results.map(({ image, closeness }) => ({
      image,
      ...(closeness ? { caption: showDecibels(closeness) } : {}),
    })),
    ...(truth ? [{ image: truth }] : []),
  ];
}

/** Renders the contact sheet as PNG: the pair and the loss curve, then one row for each test photo. */
export async function demoSheet(
  pair: ImagePair,
  rows: readonly DemoRow[],
  columns: readonly DemoColumn[],
  { instruction, seconds }: { readonly instruction: Instruction; readonly seconds: number },
): Promise<Buffer> {
  const { info } = instruction;
  const hasTruth = rows.some(({ truth }) => truth);
  const chartSpan = Math.min(3, Math.max(2, columns.length + (hasTruth ? 2 : 1) - 2));
  return contactSheet({
    title: "One pair, one learned instruction, any photo",
    subtitle: `Learned in ${showDuration(seconds)} from the pair below: ${instruction.tokenCount} tokens, ${info.hyperParameters.steps} steps, model ${info.modelId}, seed ${info.seed}. Then applied to photos that it had not seen.`,
    cellWidth,
    sections: [
      {
        title: "Learned from",
        columns: ["before", "after"],
        rows: [[{ image: pair.before }, { image: pair.after }, await chartCell(instruction, chartSpan)]],
      },
      {
        title: "Applied to",
        columns: ["photo", ...columns.map(({ title }) => title), ...(hasTruth ? ["true edit"] : [])],
        rows: rows.map(rowCells),
      },
    ],
    ...(hasTruth ? { footer: "Figures: PSNR to the true edit in dB; higher is closer." } : {}),
  });
}
