import { join } from "node:path";
import { ensureWritableFolder } from "../files/write-atomically.ts";
import type { RgbImage } from "../images/rgb-image.ts";
import { writeImage } from "../images/write-image.ts";
import type { OpenCase } from "./evaluation-case.ts";

/** An image in the output folder. */
export interface InputImage {
  /** Relative to the output folder, with forward slashes. */
  readonly path: string;
  /** In pixels. */
  readonly width: number;
  readonly height: number;
}

/** Input of a case, as shown in the report. */
export interface CaseInputs {
  readonly name: string;
  readonly texts: readonly string[];
  readonly pairs: readonly { readonly before: InputImage; readonly after: InputImage }[];
  readonly tests: readonly {
    readonly name: string;
    readonly photo: InputImage;
    readonly truth?: InputImage;
  }[];
}

/** Copies a case's input images, as used, to the output folder. */
export async function writeInputImages(out: string, openCase: OpenCase): Promise<CaseInputs> {
  const folder = ["pictures", openCase.name, "given"];
  for (const part of ["pairs", "tests", "truth"]) await ensureWritableFolder(join(out, ...folder, part));
  const write = async (part: string, name: string, image: RgbImage): Promise<InputImage> => {
    const path = [...folder, part, `${name}.jpg`].join("/");
    await writeImage(join(out, path), image);
    return { path, width: image.width, height: image.height };
  };
  const pairs: CaseInputs["pairs"][number][] = [];
  for (const [index, { before, after }] of openCase.pairs.entries())
    pairs.push({
      before: await write("pairs", `${index + 1}-before`, before),
      after: await write("pairs", `${index + 1}-after`, after),
    });
  const tests: CaseInputs["tests"][number][] = [];
  for (const { name, photo, truth } of openCase.tests)
    tests.push({
      name,
      photo: await write("tests", name, photo),
      ...(truth ? { truth: await write("truth", name, truth) } : {}),
    });
  return { name: openCase.name, texts: openCase.description.texts ?? [], pairs, tests };
}
