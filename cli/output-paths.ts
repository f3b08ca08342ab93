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
 * A result path for every input and each of its `count` variations: the input's own name and format (JPEG for HEIC,
 * PNG for TIFF), in `folder`; numbered from the second variation on. Never a path that is an input itself, never the
 * same path twice.
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
