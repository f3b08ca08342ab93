import { defined } from "../shared/defined.ts";
import { type EditHooks, type EditOptions, editFitted } from "./editing/edit.ts";
import type { ColorProfileMode } from "./images/color-profile-mode.ts";
import type { ModelSize } from "./images/fit-to-model.ts";
import type { ImageSource } from "./images/image-source.ts";
import { type OpenPhoto, openPhoto } from "./images/open-photo.ts";
import type { DetailMode } from "./images/restore-detail.ts";
import type { FinishedImage } from "./images/with-transparency.ts";
import type { Prompt } from "./instruction/embed-instruction.ts";
import type { Pipeline } from "./pipeline/pipeline.ts";

/** Absent options use the model's defaults. */
export interface EditPhotoOptions extends EditOptions {
  /** Size to which the photo is resized for the model. */
  readonly size?: ModelSize;
  /** How detail lost by resizing is restored; `transfer` when absent. */
  readonly detail?: DetailMode;
  /**
   * A mask image with the photo's aspect ratio: white is edited, black is kept. An OpenPhoto has its own
   * mask.
   */
  readonly mask?: ImageSource;
  /** `keep`: the result has the photo's own color space. Default: `srgb`. An OpenPhoto has its own. */
  readonly colorProfile?: ColorProfileMode;
}

/**
 * Edits a photo of any size by an instruction, a text prompt, or both.
 *
 * @param photo a photo from openPhoto is not resized again
 * @returns the edited photo at the original size, with the original transparency
 * @throws VisibleError for an unreadable photo, invalid options, or an instruction of another model
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
  { size = pipeline.imageSize, detail, mask: masking, colorProfile, ...options }: EditPhotoOptions,
  hooks: EditHooks = {},
): Promise<FinishedImage> {
  const open = isOpen(photo)
    ? photo
    : await openPhoto(photo, size, undefined, defined({ mask: masking, colorProfile }));
  const { image, mask, finish } = open;
  const [edited] = await editFitted(pipeline, [image], prompt, { ...options, ...defined({ mask }) }, hooks);
  return finish(edited!, detail);
}

function isOpen(photo: ImageSource | OpenPhoto): photo is OpenPhoto {
  return typeof photo === "object" && "finish" in photo;
}
