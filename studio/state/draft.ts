import { signal } from "@preact/signals";
import type { CreateInstruction, InstructionResource } from "../../client/visii.ts";
import { photos } from "./bench.ts";
import { library } from "./library.ts";
import { quietly } from "./notices.ts";
import { applyEdit, draftPhotos } from "./runs.ts";
import { api } from "./session.ts";

/**
 * The output of the model's pair encoder: an instruction without learning steps. It takes a moment, so that
 * there are results before learning begins.
 */
export const draft = signal<InstructionResource | undefined>(undefined);

/** False after the service has answered that its model has no pair encoder. */
let isOffered = true;

/**
 * Makes the draft and edits the first photos with it. Learning reports what is wrong with the pairs.
 *
 * @param onSubmitted receives the draft's ID, to cancel it
 */
export async function makeDraft(body: CreateInstruction, onSubmitted: (id: string) => void): Promise<void> {
  if (!isOffered) return;
  const name = `${body.name ?? "Edit"} (draft)`;
  const { id } = await api.value.instructions.create({ ...body, name, steps: 0 });
  onSubmitted(id);
  const made = await api.value.instructions.wait(id);
  if (made.error?.code === "invalid_option") isOffered = false;
  if (made.status !== "succeeded") return quietly(discard(id));
  draft.value = made;
  if (photos.value.length) await applyEdit(made, photos.value.slice(0, draftPhotos), { isDraft: true });
}

/** Deletes the draft, because learning has succeeded. */
export async function dropDraft(): Promise<void> {
  const { id } = draft.value ?? {};
  if (id === undefined) return;
  await discard(id);
  // Its files are gone; the next list of instructions comes later.
  library.value = library.value.filter((one) => one.id !== id);
  draft.value = undefined;
}

const discard = (id: string) => api.value.instructions.delete(id);
