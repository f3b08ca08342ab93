import { basename, extname, join, resolve } from "node:path";
import {
  extensionOfFormat,
  formatOfExtension,
  type ReadableFormat,
  readableFormats,
} from "visii-engine/images";

export interface InputFile {
  readonly path: string;
  readonly format: ReadableFormat;
}

/**
 * A result path in `folder` for every input and each of its `count` variations. A path keeps the input's name
 * and format (JPEG for HEIC, PNG for TIFF); from the second variation on it is numbered. No path equals an
 * input or another result.
 */
export function outputPaths(inputs: readonly InputFile[], folder: string, count: number): string[][] {
  const taken = new Set(inputs.map(({ path }) => resolve(path)));
  const free = (stem: string, extension: string): string => {
    for (let attempt = 0; ; attempt++) {
      const suffix = attempt === 0 ? "" : attempt === 1 ? "-edited" : `-edited-${attempt}`;
      const path = join(folder, `${stem}${suffix}${extension}`);
      if (taken.has(resolve(path))) continue;
      taken.add(resolve(path));
      return path;
    }
  };
  return inputs.map(({ path, format }) => {
    const own = extname(path);
    const written = readableFormats[format];
    const extension = formatOfExtension(own) === written ? own : extensionOfFormat[written];
    const stem = basename(path, own);
    return Array.from({ length: count }, (_, index) =>
      free(index === 0 ? stem : `${stem}-${index + 1}`, extension),
    );
  });
}
