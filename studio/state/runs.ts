import { signal } from "@preact/signals";
import type { CreateEdit } from "../../client/visii.ts";
import { refreshAccount } from "./account.ts";
import { photos, seed, source, strength, words } from "./bench.ts";
import { chosen, guidance, nameOf } from "./library.ts";
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
}

/** Photos that were edited together. */
export interface Run {
  readonly id: number;
  readonly title: string;
  /** Non-default settings, for display. */
  readonly settings: readonly string[];
  readonly results: readonly Result[];
  readonly isOpen: boolean;
  /** Charged credits, after it has ended. */
  readonly charged: number;
  /** The request bodies. */
  readonly bodies: readonly CreateEdit[];
}

/** Newest first. */
export const runs = signal<readonly Run[]>([]);

/** Maximum images per edit. */
const mostImages = 16;
const mostGuidance = 30;
let count = 0;

/** Edits the photos with the selected instruction, a text prompt, or both. */
export async function applyEdit(): Promise<void> {
  const instruction = source.value === "pair" ? chosen.value : undefined;
  const taken = photos.value;
  const options = optionsOf(instruction?.id);
  const id = ++count;
  const run: Run = {
    ...{ id, title: instruction ? nameOf(instruction) : `“${words.value.trim()}”`, settings: settingsOf() },
    ...{ results: taken.map((photo) => ({ photo })), isOpen: true, charged: 0, bodies: [] },
  };
  runs.value = [run, ...runs.value];
  status.value = "Editing the photos.";
  const update = (change: (run: Run) => Partial<Run>) => {
    runs.value = runs.value.map((one) => (one.id === id ? { ...one, ...change(one) } : one));
  };
  try {
    const groups = Array.from({ length: Math.ceil(taken.length / mostImages) }, (_, index) =>
      taken.slice(index * mostImages, (index + 1) * mostImages),
    );
    await Promise.all(groups.map((group) => editGroup(group, options, update)));
    status.value = taken.length === 1 ? "One photo was edited." : `${taken.length} photos were edited.`;
  } catch (error) {
    // Keep finished results and remove the others, which will not finish.
    update(({ results }) => ({ results: results.filter(({ url }) => url !== undefined) }));
    runs.value = runs.value.filter((one) => one.id !== id || one.results.length > 0);
    throw error;
  } finally {
    update(() => ({ isOpen: false }));
    quietly(refreshAccount());
  }
}

async function editGroup(
  group: readonly Picture[],
  options: Omit<CreateEdit, "images">,
  update: (change: (run: Run) => Partial<Run>) => void,
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
  const show = async () => {
    const now = await api.value.edits.get(edit);
    const made = new Map(
      now.results.map((result, index) => [photoOf.get(result.input), { ...result, index }]),
    );
    update(({ results }) => ({
      results: results.map((result) => {
        const found = made.get(result.photo.id);
        if (!found || result.url !== undefined) return result;
        const { url, width, height, index } = found;
        return { ...result, edit, url, width, height, index };
      }),
    }));
    return now;
  };
  for await (const event of api.value.edits.events(edit)) if (event.type === "result") quietly(show());
  const end = await show();
  if (end.status !== "succeeded") throw new Error(end.error?.message ?? `The edit was ${end.status}.`);
  update(({ charged }) => ({ charged: charged + (end.usage?.credits ?? 0) }));
}

function optionsOf(instruction: string | undefined): Omit<CreateEdit, "images"> {
  const text = words.value.trim();
  const recommended = guidance.value;
  const pull =
    strength.value === 1 || recommended === undefined
      ? undefined
      : Math.min(mostGuidance, Math.round(strength.value * recommended * 100) / 100);
  return {
    ...(instruction === undefined ? {} : { instruction }),
    ...(text === "" ? {} : { text }),
    ...(pull === undefined ? {} : { text_guidance: pull }),
    ...(seed.value === 0 ? {} : { seed: seed.value, noise: "fresh" as const }),
  };
}

function settingsOf(): string[] {
  const text = words.value.trim();
  return [
    ...(source.value === "pair" && text !== "" ? [`“${text}”`] : []),
    ...(strength.value === 1 ? [] : [`strength ${strength.value.toFixed(2)}`]),
    ...(seed.value === 0 ? [] : [`seed ${seed.value}`]),
  ];
}
