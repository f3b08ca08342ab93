import { randomUUID } from "node:crypto";
import type { Visii } from "visii-client";
import { writeAtomically } from "visii-engine/files";
import {
  decodeImage,
  type ReadableFormat,
  readableFormats,
  withTransparency,
  writeImage,
} from "visii-engine/images";
import { defined } from "../../shared/defined.ts";
import type { OutputFormat } from "../../shared/resources/edit.ts";
import { instructionType } from "../../shared/resources/upload.ts";
import type { Context } from "../context.ts";
import type { EditResult, PlannedEdit } from "../edit-images.ts";
import type { Mixing } from "../engine.ts";
import type { SamplingOptions } from "../sampling-options.ts";
import { followJob } from "./follow-job.ts";
import { download, imageUploadType, uploadFile } from "./transfer-files.ts";

/** Maximum number of images in one edit. */
const maxImages = 16;

interface RemotePrompt {
  /** ID of an instruction on the service. */
  readonly instruction?: string;
  readonly text?: string;
  readonly mixing?: Mixing;
}

/**
 * Calls `use` with the ID of an instruction on the service. A local file is uploaded first and deleted
 * afterwards.
 */
export async function withInstruction<Result>(
  context: Context,
  api: Visii,
  file: string,
  use: (id: string) => Promise<Result>,
): Promise<Result> {
  if (/^ins_[0-9a-z]{26}$/.test(file)) return use(file);
  const upload = await uploadFile(api, file, instructionType);
  const { id } = await api.instructions.import({ upload }, { idempotencyKey: randomUUID() });
  await followJob(context, api.instructions, id, () => undefined);
  try {
    return await use(id);
  } finally {
    await api.instructions.delete(id);
  }
}

/** Uploads the photos, edits them on the service, and writes each result to its planned path. */
export async function editRemotely(
  context: Context,
  api: Visii,
  plan: readonly PlannedEdit[],
  prompt: RemotePrompt,
  options: SamplingOptions,
): Promise<EditResult[]> {
  const { progress } = context;
  const results: EditResult[] = [];
  try {
    const mask = options.mask === undefined ? undefined : await uploadMask(api, options.mask);
    for (const group of groupsOf(plan)) {
      const images: string[] = [];
      for (const { input, format } of group.photos) {
        progress.update({
          stage: "uploading",
          step: images.length,
          steps: group.photos.length,
          unit: "photos",
        });
        images.push(await uploadFile(api, input, imageUploadType[format]));
      }
      const { id } = await api.edits.create(
        { ...prompt, ...requestOf(options), images, ...defined({ mask }), format: group.format },
        { idempotencyKey: randomUUID() },
      );
      const edit = await followJob(context, api.edits, id, ({ step, steps }) =>
        progress.update({ stage: "editing", step, steps }),
      );
      // Results are ordered by image, then by variation.
      const seconds = Number(((edit.usage?.compute_seconds ?? 0) / edit.results.length).toFixed(3));
      const outputs = group.photos.flatMap(({ input, outputs }) =>
        outputs.map((output) => ({ input, output })),
      );
      for (const [index, { input, output }] of outputs.entries()) {
        const bytes = await download(edit.results[index]!.url, `The result for ${input}`);
        await writeResult(output, bytes);
        results.push({ input, output, seconds });
      }
    }
  } finally {
    progress.clear();
  }
  return results;
}

async function uploadMask(api: Visii, path: string): Promise<string> {
  const { format } = await decodeImage(path);
  return uploadFile(api, path, imageUploadType[format]);
}

function requestOf({
  textGuidance,
  imageGuidance,
  guidanceInterval,
  steps,
  scheduler,
  negative,
  strength,
  noise,
  seed,
  count,
  metadata,
  colorProfile,
}: SamplingOptions) {
  return {
    seed,
    count,
    photo_metadata: metadata,
    color_profile: colorProfile,
    ...defined({
      text_guidance: textGuidance,
      image_guidance: imageGuidance,
      guidance_interval: guidanceInterval,
      steps,
      scheduler,
      negative,
      strength,
      noise,
    }),
  };
}

/**
 * The format to request for a photo's results. The service cannot encode AVIF, so AVIF is encoded locally.
 */
function outputFormatOf(format: ReadableFormat): OutputFormat {
  const written = readableFormats[format];
  return written === "avif" ? "png" : written;
}

interface Group {
  readonly format: OutputFormat;
  readonly photos: PlannedEdit[];
}

/** Groups photos into edits: in order, one format per edit, up to the maximum number of images. */
function groupsOf(plan: readonly PlannedEdit[]): readonly Group[] {
  const groups: Group[] = [];
  for (const photo of plan) {
    const format = outputFormatOf(photo.format);
    const last = groups.at(-1);
    if (last?.format === format && last.photos.length < maxImages) last.photos.push(photo);
    else groups.push({ format, photos: [photo] });
  }
  return groups;
}

async function writeResult(output: string, bytes: Uint8Array): Promise<void> {
  if (!output.toLowerCase().endsWith(".avif")) return writeAtomically(output, bytes);
  const decoded = await decodeImage(bytes, output, "keep");
  const { image, ...file } = withTransparency(decoded, decoded.image);
  // The service has selected the metadata.
  await writeImage(output, image, { ...file, metadataMode: "keep" });
}
