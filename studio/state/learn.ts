import { signal } from "@preact/signals";
import type { CreateInstruction, InstructionResource, Progress } from "../../client/visii.ts";
import { refreshAccount } from "./account.ts";
import { after, before, photos } from "./bench.ts";
import { exampleName } from "./example.ts";
import { chosen, library, refreshLibrary } from "./library.ts";
import { quietly, status } from "./notices.ts";
import { baseName } from "./picture.ts";
import { api } from "./session.ts";

export interface LossPoint {
  readonly step: number;
  readonly loss: number;
}

/** A running learning job. */
export interface Learning {
  /** Undefined while the pair is being uploaded. */
  readonly id?: string;
  readonly progress?: Progress;
  readonly losses: readonly LossPoint[];
  /** The before photo, if available. */
  readonly before?: string;
  /** The before photo, edited with the current state of the instruction. */
  readonly preview?: string;
  /** Jobs ahead of it in the queue. */
  readonly ahead?: number;
}

export const learning = signal<Learning | undefined>(undefined);

/** The last instruction created here, with its request. */
export const learned = signal<{ readonly id: string; readonly body: CreateInstruction } | undefined>(
  undefined,
);

/** Learns the current pair to the end. Undefined if it was stopped. */
export async function learn(): Promise<InstructionResource | undefined> {
  const pair = [before.value, after.value] as const;
  if (!pair[0] || !pair[1]) return undefined;
  const { url } = pair[0];
  learning.value = { before: url, losses: [] };
  status.value = "Uploading the pair.";
  try {
    const ids = await Promise.all([pair[0].upload(), pair[1].upload()]);
    // Upload the photos during learning, so that the edit can start immediately.
    for (const photo of photos.value) quietly(photo.upload());
    const body = {
      pairs: [{ before: ids[0], after: ids[1] }],
      name: pair[1].isExample ? exampleName : baseName(pair[1].name).slice(0, 200),
    };
    const { id } = await api.value.instructions.create(body);
    learned.value = { id, body };
    quietly(refreshLibrary());
    return await follow(id, url);
  } finally {
    learning.value = undefined;
    quietly(refreshAccount());
  }
}

/** Follows a learning job that was already running when the page was opened. */
export async function resumeLearning(): Promise<InstructionResource | undefined> {
  const open = library.value.find((one) => one.status === "queued" || one.status === "running");
  if (!open) return undefined;
  try {
    return await follow(open.id);
  } finally {
    learning.value = undefined;
  }
}

export async function stopLearning(): Promise<void> {
  if (learning.value?.id !== undefined) await api.value.instructions.cancel(learning.value.id);
}

async function follow(id: string, before?: string): Promise<InstructionResource | undefined> {
  learning.value = { id, losses: [], ...(before === undefined ? {} : { before }) };
  status.value = "Learning.";
  const update = (changes: Partial<Learning>) => {
    if (learning.value?.id === id) learning.value = { ...learning.value, ...changes };
  };
  const look = async () => {
    const { preview_url: preview, queue_position: ahead } = await api.value.instructions.get(id);
    if (preview !== undefined) update({ preview });
    if (ahead !== undefined) update({ ahead });
  };
  for await (const event of api.value.instructions.events(id)) {
    if (event.type === "preview" || (event.type === "status" && event.status === "queued")) quietly(look());
    if (event.type === "progress") {
      const { progress } = event;
      const { step, loss } = progress;
      const losses = learning.value?.losses ?? [];
      update({ progress, losses: loss === undefined ? losses : [...losses, { step, loss }] });
    }
  }
  const instruction = await api.value.instructions.get(id);
  await refreshLibrary();
  if (instruction.status === "canceled") {
    status.value = "Learning was stopped.";
    return undefined;
  }
  if (instruction.status === "failed") throw new Error(instruction.error?.message ?? "Learning failed.");
  chosen.value = instruction;
  status.value = "Learned.";
  return instruction;
}
