import { addPictures, type Place } from "./bench.ts";
import { importFile, isInstructionFile } from "./import-file.ts";
import { attempt } from "./notices.ts";

/** Takes files that were dropped, pasted or chosen: `.visii` files are imported, images are added. */
export function takeFiles(files: readonly File[], place: Place): void {
  const instructions = files.filter(isInstructionFile);
  const images = files.filter((file) => !isInstructionFile(file));
  if (images.length) addPictures(images, place);
  if (instructions.length)
    void attempt("The file was not imported", async () => {
      for (const file of instructions) await importFile(file);
    });
}
