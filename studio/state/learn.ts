import { signal } from "@preact/signals";
import type { CreateInstruction, InstructionResource, Progress } from "../../client/visii.ts";
import { refreshAccount } from "./account.ts";
import { isExample, wholePairs } from "./bench.ts";
import { draft, dropDraft, makeDraft } from "./draft.ts";
import { exampleName } from "./example.ts";
import { chosen, library, refreshLibrary } from "./library.ts";
import { loadImage } from "./load-image.ts";
import { quietly, status } from "./notices.ts";
import { baseName } from "./picture.ts";
import { api } from "./session.ts";

export interface LossPoint {
  readonly step: number;
  readonly loss: number;
}

/** A running learning job. */
export interface Learning {
  /** Of the draft at first; undefined while the pair is being uploaded. */
  readonly id?: string;
  readonly isDraft?: boolean;
  readonly isStopped?: boolean;
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

/** Learns the current pairs to the end. Undefined if it was stopped. */
export async function learn(): Promise<InstructionResource | undefined> {
  const taken = wholePairs.value;
  const [first] = taken;
  if (!first) return undefined;
  const { url } = first.before;
  learning.value = { before: url, losses: [] };
  status.value = taken.length === 1 ? "Uploading the pair." : "Uploading the pairs.";
  try {
    const ids = await Promise.all(
      taken.map(async ({ before, after }) => {
        const [one, other] = await Promise.all([before.upload(), after.upload()]);
        return { before: one, after: other };
      }),
    );
    const name = isExample.value ? exampleName : baseName(first.after.name).slice(0, 200);
    const body = { pairs: ids, name };
    // One after the other, because at the same time both would be slower.
    await makeDraft(body, (id) => update({ id, isDraft: true })).catch(() => undefined);
    if (learning.value.isStopped) return undefined;
    const { id } = await api.value.instructions.create(body);
    learned.value = { id, body };
    quietly(refreshLibrary());
    const made = await follow(id, url);
    if (made) await dropDraft().catch(() => undefined);
    return made;
  } finally {
    // Without an instruction, the draft is the best that there is.
    if (draft.value) chosen.value = draft.value;
    draft.value = undefined;
    learning.value = undefined;
    quietly(refreshLibrary());
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
  const { id, isDraft } = learning.value ?? {};
  if (id === undefined) return;
  update({ isStopped: true });
  const canceled = api.value.instructions.cancel(id);
  // A draft may have ended by now.
  if (isDraft) quietly(canceled);
  else await canceled;
}

function update(changes: Partial<Learning>): void {
  if (learning.value) learning.value = { ...learning.value, ...changes };
}

async function follow(id: string, before?: string): Promise<InstructionResource | undefined> {
  learning.value = { id, losses: [], ...(before === undefined ? {} : { before }) };
  status.value = "Learning.";
  const look = async () => {
    const { preview_url: preview, queue_position: ahead } = await api.value.instructions.get(id);
    if (preview !== undefined) {
      await loadImage(preview);
      if (learning.value?.id === id) update({ preview });
    }
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
    status.value = draft.value ? "Learning was stopped. The draft is kept." : "Learning was stopped.";
    return undefined;
  }
  if (instruction.status === "failed") throw new Error(instruction.error?.message ?? "Learning failed.");
  chosen.value = instruction;
  status.value = "Learned.";
  return instruction;
}
