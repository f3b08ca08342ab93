import { type EditHooks, type EditOptions, edit as editFitted } from "./editing/edit.ts";
import type { ModelSize } from "./images/fit-to-model.ts";
import type { ImageSource } from "./images/image-source.ts";
import { type OpenPhoto, openPhoto } from "./images/open-photo.ts";
import type { DetailMode } from "./images/restore-detail.ts";
import type { FinishedImage } from "./images/with-transparency.ts";
import type { Prompt } from "./instruction/embed-instruction.ts";
import type { Pipeline } from "./pipeline/pipeline.ts";

/** What is absent is the model's recommendation. */
export interface EditPhotoOptions extends EditOptions {
  /** Size that the photo is brought to for the model. */
  readonly size?: ModelSize;
  /** How detail that this size lost comes back; `transfer` when absent. */
  readonly detail?: DetailMode;
  /** A picture of the photo's shape: white where to edit, black where to keep. An open photo has its own. */
  readonly mask?: ImageSource;
}

/**
 * Edits a photo of any size by an instruction, by words, or by both.
 *
 * @param photo one that openPhoto gave is not fitted again
 * @returns the edited photo at the photo's own size and with its transparency
 * @throws VisibleError for a photo that cannot be read, options that make no sense, or another model's instruction
 * @example
 * const instruction = await readInstruction("edit.visii");
 * const prompt = { instruction, text: "with a blue tint" };
 * const { image } = await edit(pipeline, "photo.jpg", prompt, { seed: 0 });
 * await writeImage("edited.png", image);
 */
export async function edit(
  pipeline: Pipeline,
  photo: ImageSource | OpenPhoto,
  prompt: Prompt,
  { size = pipeline.imageSize, detail, mask: masking, ...options }: EditPhotoOptions,
  hooks: EditHooks = {},
): Promise<FinishedImage> {
  const open = isOpen(photo) ? photo : await openPhoto(photo, size, undefined, masking);
  const { image, mask, finish } = open;
  const [edited] = await editFitted(
    pipeline,
    [image],
    prompt,
    { ...options, ...(mask ? { mask } : {}) },
    hooks,
  );
  return finish(edited!, detail);
}

function isOpen(photo: ImageSource | OpenPhoto): photo is OpenPhoto {
  return typeof photo === "object" && "finish" in photo;
}
