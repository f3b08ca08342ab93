import { signal } from "@preact/signals";
import type { CreateEdit, InstructionResource } from "../../client/visii.ts";
import { mapConcurrently } from "../../shared/map-concurrently.ts";
import { refreshAccount } from "./account.ts";
import { photos, seed, textGuidance, words } from "./bench.ts";
import { nameOf } from "./library.ts";
import { loadImage } from "./load-image.ts";
import { quietly, status } from "./notices.ts";
import type { Picture } from "./picture.ts";
import { api } from "./session.ts";

/** One photo of a run; it has a URL once it is edited. */
export interface Result {
  readonly photo: Picture;
  readonly edit?: string;
  /** Its position in the edit's results. */
  readonly index?: number;
  readonly url?: string;
  readonly width?: number;
  readonly height?: number;
  /** Made by a draft of the instruction, and replaced when it is learned. */
  readonly isDraft?: boolean;
}

/** Photos that were edited together. */
export interface Run {
  readonly id: number;
  readonly title: string;
  /** Non-default settings, for display. */
  readonly settings: readonly string[];
  readonly results: readonly Result[];
  readonly isOpen: boolean;
  /** Distinguishes it from a run that it replaces, which has the same ID. */
  readonly version: number;
  readonly isDraft: boolean;
  /** Charged credits, after it has ended. */
  readonly charged: number;
  /** The request bodies. */
  readonly bodies: readonly CreateEdit[];
}

/** Newest first. */
export const runs = signal<readonly Run[]>([]);

/** Maximum photos that are edited with a draft. */
export const draftPhotos = 4;
/** Maximum images per edit. */
const maxImages = 16;
/** Edits of one run that are submitted at once. Each holds a connection, of which browsers open six. */
const editsAtOnce = 2;
let count = 0;

type Change = (run: Run) => Partial<Run>;
type Update = (change: Change) => void;

/**
 * Edits the photos with an instruction, a text prompt, or both. Results of a draft are shown until they are
 * replaced by those of the learned instruction.
 */
export async function applyEdit(
  instruction: InstructionResource | undefined,
  taken: readonly Picture[],
  { isDraft = false } = {},
): Promise<void> {
  const options = optionsOf(instruction?.id);
  const drafted = runs.value.find((run) => run.isDraft);
  const version = ++count;
  const id = drafted?.id ?? version;
  const title = instruction ? nameOf(instruction).replace(/ \(draft\)$/, "") : `“${words.value.trim()}”`;
  const run: Run = {
    ...{ id, title, settings: settingsOf(instruction !== undefined), version, isDraft },
    results: photos.value.map(
      (photo) => drafted?.results.find((one) => one.photo.id === photo.id) ?? { photo },
    ),
    ...{ isOpen: true, charged: 0, bodies: [] },
  };
  runs.value = [run, ...runs.value.filter((one) => one !== drafted)];
  status.value = isDraft ? "Editing the photos with a draft." : "Editing the photos.";
  const update: Update = (change) => {
    runs.value = runs.value.map((one) => (one.version === version ? { ...one, ...change(one) } : one));
  };
  try {
    const groups = Array.from({ length: Math.ceil(taken.length / maxImages) }, (_, index) =>
      taken.slice(index * maxImages, (index + 1) * maxImages),
    );
    await mapConcurrently(editsAtOnce, groups, (group) => editGroup(group, { ...options, isDraft }, update));
    status.value = taken.length === 1 ? "One photo was edited." : `${taken.length} photos were edited.`;
  } catch (error) {
    // Keep finished results and remove the others, which will not finish.
    update(({ results }) => ({ results: results.filter(({ url }) => url !== undefined) }));
    runs.value = runs.value.filter((one) => one.version !== version || one.results.length > 0);
    throw error;
  } finally {
    update(() => ({ isOpen: false }));
    quietly(refreshAccount());
  }
}

/** Keeps the results of a draft for good: learning has ended, and none will replace them. */
export function keepDraftRun(): void {
  runs.value = runs.value.map((run) =>
    run.isDraft
      ? { ...run, isDraft: false, results: run.results.filter(({ url }) => url !== undefined) }
      : run,
  );
}

async function editGroup(
  group: readonly Picture[],
  { isDraft, ...options }: Omit<CreateEdit, "images"> & Pick<Run, "isDraft">,
  update: Update,
): Promise<void> {
  const images = await Promise.all(group.map((photo) => photo.upload()));
  const photoOf = new Map(images.map((image, index) => [image, group[index]?.id]));
  const body: CreateEdit = {
    ...options,
    images,
    format: group.every(({ type }) => type === "image/jpeg" || type === "image/heic") ? "jpeg" : "png",
  };
  const { id: edit } = await api.value.edits.create(body);
  update(({ bodies }) => ({ bodies: [...bodies, body] }));
  let loaded = 0;
  const show = async () => {
    const now = await api.value.edits.get(edit);
    const fresh = now.results.slice(loaded);
    loaded += fresh.length;
    await Promise.all(fresh.map(({ url }) => quietly(loadImage(url))));
    const made = new Map(
      now.results.map((result, index) => [photoOf.get(result.input), { ...result, index }]),
    );
    update(({ results }) => ({
      results: results.map((result) => {
        const found = made.get(result.photo.id);
        if (!found || result.edit === edit) return result;
        const { url, width, height, index } = found;
        return { photo: result.photo, edit, url, width, height, index, isDraft };
      }),
    }));
    return now;
  };
  for await (const event of api.value.edits.events(edit)) if (event.type === "result") quietly(show());
  const end = await show();
  if (end.status !== "succeeded")
    throw new Error(end.error ? withName(end.error.message, group) : `The edit was ${end.status}.`);
  update(({ charged }) => ({ charged: charged + (end.usage?.credits ?? 0) }));
}

/** The service knows photos by their position: "Image 2 is damaged". */
const withName = (message: string, group: readonly Picture[]): string =>
  message.replace(/^Image (\d+)/, (position, number) => group[number - 1]?.name ?? position);

function optionsOf(instruction: string | undefined): Omit<CreateEdit, "images"> {
  const text = words.value.trim();
  return {
    ...(instruction === undefined ? {} : { instruction }),
    ...(text === "" ? {} : { text }),
    ...(textGuidance.value === undefined ? {} : { text_guidance: textGuidance.value }),
    ...(seed.value === 0 ? {} : { seed: seed.value, noise: "fresh" as const }),
  };
}

function settingsOf(hasInstruction: boolean): string[] {
  const text = words.value.trim();
  return [
    ...(hasInstruction && text !== "" ? [`“${text}”`] : []),
    ...(textGuidance.value === undefined ? [] : [`text guidance ${textGuidance.value}`]),
    ...(seed.value === 0 ? [] : [`seed ${seed.value}`]),
  ];
}
