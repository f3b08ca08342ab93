import { join } from "node:path";
import { contactSheet, type SheetCell } from "../images/contact-sheet.ts";
import { decodeImage } from "../images/decode-image.ts";
import type { RgbImage } from "../images/rgb-image.ts";
import { encodeImage } from "../images/write-image.ts";
import type { Finished } from "./finished-work.ts";
import { showScore } from "./format-table.ts";
import type { CaseInputs } from "./input-images.ts";
import type { Report } from "./report.ts";

/** In pixels. */
const [narrowest, widest] = [128, 256];
const quality = 72;

/**
 * One row for every case: a photo, its true edit, and each method's result for the first seed. The index of
 * the photo shown varies from row to row.
 *
 * @param out the folder to which image paths are relative
 * @returns JPEG bytes
 */
export async function caseSheet(out: string, report: Report, cases: readonly CaseInputs[]): Promise<Buffer> {
  const methods = report.table.map(({ method }) => method).filter((method) => method !== "unedited");
  const read = async (path: string): Promise<RgbImage> => (await decodeImage(join(out, path))).image;
  const rows: (readonly SheetCell[])[] = [];
  for (const [index, { name, tests }] of cases.entries()) {
    const test = tests[index % tests.length]!;
    const results = methods.map((method) => resultOf(report.finished, name, method, test.name));
    rows.push([
      { image: await read(test.photo.path), caption: name },
      test.truth ? { image: await read(test.truth.path) } : {},
      ...(await Promise.all(
        results.map(async (result) =>
          result ? { image: await read(result.picture), caption: decibels(result) } : {},
        ),
      )),
    ]);
  }
  const photoWidth = Math.max(...cases.flatMap(({ tests }) => tests.map(({ photo }) => photo.width)));
  const sheet = await contactSheet({
    title: `${report.set}: one photo of every case`,
    cellWidth: Math.min(widest, Math.max(narrowest, photoWidth)),
    sections: [{ columns: ["photo", "true edit", ...methods], rows }],
    footer: "Figures: PSNR to the true edit, of the photo shown.",
  });
  return encodeImage((await decodeImage(sheet, "the sheet")).image, "jpeg", { quality });
}

type Result = Finished["tests"][number];

/** The result with the first seed that has one. */
function resultOf(
  finished: readonly Finished[],
  name: string,
  method: string,
  test: string,
): Result | undefined {
  return finished
    .find((work) => work.case === name && work.method === method)
    ?.tests.find((result) => result.name === test);
}

function decibels(result: Result | undefined): string {
  const psnr = result?.scores.psnr;
  return typeof psnr === "number" ? `${showScore("psnr", psnr)} dB` : "";
}
