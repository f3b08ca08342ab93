import type { SchedulerKind } from "../../engine/schedulers/create-scheduler.ts";
import type { ErrorCode } from "../../shared/error-codes.ts";

/** What the worker (parent) and the process that computes (child) say to each other. Bytes travel as they are. */

export interface LearnTask {
  readonly kind: "learn";
  readonly pairs: readonly { readonly before: Uint8Array; readonly after: Uint8Array }[];
  readonly init?: string;
  readonly space?: "text" | "kv";
  readonly steps?: number;
  readonly learningRate?: number;
  readonly textGuidance?: number;
  readonly imageGuidance?: number;
  readonly clipWeight?: number;
  readonly seed: number;
  /** A state from an earlier attempt, to go on from. */
  readonly resume?: Uint8Array;
  /** Seconds between two saved states. */
  readonly saveEvery: number;
  /** Previews in a whole run. */
  readonly previews: number;
}

/** Edits of several jobs under one prompt: what is the same for all, and a part for each job. */
export interface EditTask {
  readonly kind: "edit";
  readonly prompt: EditPrompt;
  readonly parts: readonly EditPart[];
  /** Images sampled as one batch at most. */
  readonly batch: number;
}

export interface EditPrompt {
  /** A `.visii` file. */
  readonly instruction?: Uint8Array;
  readonly text?: string;
  readonly mixing?: "joined" | "in-turn";
  readonly textGuidance?: number;
  readonly imageGuidance?: number;
  readonly steps?: number;
  readonly scheduler?: SchedulerKind;
  readonly negative?: string;
  readonly strength?: number;
}

export interface EditPart {
  /** Those still to be done, by their place in the request. */
  readonly images: readonly { readonly index: number; readonly bytes: Uint8Array }[];
  readonly noise?: "fixed" | "fresh";
  readonly seed: number;
  readonly count: number;
  readonly format: "png" | "jpeg" | "webp";
}

/** Checks a `.visii` file against the model. */
export interface ImportTask {
  readonly kind: "import";
  readonly file: Uint8Array;
}

export type Task = LearnTask | EditTask | ImportTask;

export type ParentMessage =
  | { readonly type: "run"; readonly task: Task }
  /** Without a part: the whole task. */
  | { readonly type: "cancel"; readonly part?: number };

export interface LearnedInstruction {
  readonly file: Uint8Array;
  /** The words it started from, if it did. */
  readonly init?: string;
  /** What it was learned under. */
  readonly textGuidance: number;
  readonly steps: number;
  readonly curve: readonly { readonly step: number; readonly loss: number; readonly validation?: number }[];
  /** Sentences for the caller about the pairs and the run. */
  readonly warnings: readonly string[];
}

/** What happens while a task runs. */
export type TaskEvent =
  | {
      readonly type: "progress";
      /** Of an edit task. */
      readonly part?: number;
      readonly stage: string;
      readonly step: number;
      readonly steps: number;
      readonly loss?: number;
      readonly etaSeconds?: number;
    }
  | { readonly type: "state"; readonly bytes: Uint8Array }
  | { readonly type: "preview"; readonly step: number; readonly jpeg: Uint8Array }
  /** The first pair, side by side. */
  | { readonly type: "thumbnail"; readonly jpeg: Uint8Array }
  /** The pairs are a change of colors alone: a `.cube` file that repeats it. */
  | { readonly type: "lut"; readonly cube: string }
  | {
      readonly type: "result";
      /** Of an edit task. */
      readonly part: number;
      readonly index: number;
      readonly variation: number;
      readonly bytes: Uint8Array;
      readonly width: number;
      readonly height: number;
    }
  /** One part of an edit task has come to its end; the others go on. */
  | { readonly type: "part done"; readonly part: number; readonly done: TaskDone }
  | { readonly type: "part failed"; readonly part: number; readonly failure: TaskFailure };

export interface TaskDone {
  /** Of a learn or import task. */
  readonly instruction?: LearnedInstruction;
  /** Sampling or learning steps made. */
  readonly steps: number;
  /** Of a part: its share of the time that its batches took. */
  readonly seconds?: number;
}

export interface TaskFailure {
  readonly kind: "visible" | "canceled" | "broken";
  readonly code: ErrorCode;
  readonly message: string;
  /** Of a broken one: for our log, never for the caller. */
  readonly stack?: string;
}

export type ChildMessage =
  | { readonly type: "ready"; readonly model: string }
  | { readonly type: "event"; readonly event: TaskEvent }
  | { readonly type: "done"; readonly done: TaskDone }
  | { readonly type: "failed"; readonly failure: TaskFailure };
