import { computed, signal } from "@preact/signals";
import type { InstructionResource } from "../../client/visii.ts";
import { status } from "./notices.ts";
import { api } from "./session.ts";

/** The account's instructions, newest first. */
export const library = signal<readonly InstructionResource[]>([]);

/** The selected instruction; while undefined, the current pair will be learned. */
export const chosen = signal<InstructionResource | undefined>(undefined);

/** Default guidance scale of edits, taken from any learned instruction. */
export const guidance = computed(
  () => (chosen.value ?? library.value.find((one) => one.text_guidance !== undefined))?.text_guidance,
);

export async function refreshLibrary(): Promise<void> {
  const { data } = await api.value.instructions.list({ limit: 50 });
  library.value = data;
}

export async function rename(instruction: InstructionResource, name: string): Promise<void> {
  if (name.trim() === "" || name === instruction.name) return;
  chosen.value = await api.value.instructions.update(instruction.id, { name: name.trim() });
  await refreshLibrary();
}

export async function remove(instruction: InstructionResource): Promise<void> {
  await api.value.instructions.delete(instruction.id);
  if (chosen.value?.id === instruction.id) chosen.value = undefined;
  status.value = `${nameOf(instruction)} was deleted.`;
  await refreshLibrary();
}

export const nameOf = ({ name, caption }: InstructionResource): string => name ?? caption ?? "Untitled edit";
