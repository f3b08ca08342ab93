import { basename, extname, join } from "node:path";
import { decodeImage, type RgbImage, resizeImage, writeImage } from "visii-engine/images";
import { applyFit, type FittedEdit } from "visii-engine/lut";
import { defined } from "../shared/defined.ts";
import type { Context } from "./context.ts";
import type { DemoPlan } from "./demo-plan.ts";
import { type Closeness, closeness } from "./demo-report.ts";
import { editProgress } from "./edit-progress.ts";
import { type EditOptions, type Instruction, loadEngine, type Pipeline } from "./engine.ts";

/** One method of editing the test photos: a column of the contact sheet. */
export interface DemoColumn {
  readonly key: "learned" | "hybrid" | "text" | "fit";
  readonly title: string;
  readonly by: { readonly instruction?: Instruction; readonly text?: string } | { readonly fit: FittedEdit };
}

interface DemoResult {
  readonly column: DemoColumn;
  readonly file: string;
  readonly image: RgbImage;
  /** Closeness to the true edit, if there is one and the column aims at it. */
  readonly closeness?: Closeness;
}

interface DemoPhoto {
  readonly input: string;
  readonly photo: RgbImage;
  /** The true edit, at the photo's size. */
  readonly truth?: RgbImage;
}

export interface DemoRow extends DemoPhoto {
  readonly unedited?: Closeness;
  readonly results: readonly DemoResult[];
}

/**
 * Reads the plan's photos and true edits. Called before learning, so that an unreadable file is reported
 * early.
 */
export async function readDemoPhotos({ tests }: DemoPlan): Promise<DemoPhoto[]> {
  const photos: DemoPhoto[] = [];
  for (const { image: input, truth } of tests) {
    const { image: photo } = await decodeImage(input);
    if (truth === undefined) photos.push({ input, photo });
    else {
      const { image } = await decodeImage(truth);
      photos.push({ input, photo, truth: resizeImage(image, photo.width, photo.height) });
    }
  }
  return photos;
}

/** Maximum number of text columns on the sheet. */
const maxWords = 2;

/** @param fit a least-squares fit of the same pair: the baseline without learning */
export function demoColumns(
  { words, text }: DemoPlan,
  instruction: Instruction,
  fit: FittedEdit,
): DemoColumn[] {
  const columns: DemoColumn[] = [{ key: "learned", title: "<ins>, learned", by: { instruction } }];
  for (const text of words.slice(0, maxWords))
    columns.push({ key: "hybrid", title: `<ins> + “${text}”`, by: { instruction, text } });
  if (text !== undefined) columns.push({ key: "text", title: `text only: “${text}”`, by: { text } });
  columns.push({ key: "fit", title: "least-squares fit of the pair", by: { fit } });
  return columns;
}

/** Edits every test photo by every column's method and writes the results to `folder`. */
export async function editDemoPhotos(
  { progress, signal }: Context,
  pipeline: Pipeline,
  photos: readonly DemoPhoto[],
  { textGuidance, imageGuidance }: DemoPlan,
  columns: readonly DemoColumn[],
  { folder, seed }: { readonly folder: string; readonly seed: number },
): Promise<DemoRow[]> {
  const { edit } = await loadEngine();
  const options: EditOptions = {
    seed,
    ...defined({ textGuidance, imageGuidance }),
  };
  const rows: DemoRow[] = [];
  const nextEdit = editProgress(
    progress,
    "editing photos",
    photos.length * columns.filter(({ key }) => key !== "fit").length,
  );
  for (const { input, photo, truth } of photos) {
    const editedBy = async (by: DemoColumn["by"]): Promise<RgbImage> =>
      "fit" in by
        ? applyFit(by.fit, photo)
        : (await edit(pipeline, photo, by, options, { signal, onEvent: nextEdit() })).image;
    const results: DemoResult[] = [];
    for (const [index, column] of columns.entries()) {
      const image = await editedBy(column.by);
      const file = `${basename(input, extname(input))}-${index + 1}-${column.key}.png`;
      await writeImage(join(folder, file), image);
      const close = truth && column.key !== "hybrid" ? { closeness: closeness(image, truth) } : {};
      results.push({ column, file, image, ...close });
    }
    rows.push({ input, photo, results, ...(truth ? { truth, unedited: closeness(photo, truth) } : {}) });
  }
  progress.clear();
  return rows;
}
