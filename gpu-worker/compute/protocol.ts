import type { ColorProfileMode } from "../../engine/images/color-profile-mode.ts";
import type { MetadataMode } from "../../engine/metadata/photo-metadata.ts";
import type { SchedulerKind } from "../../engine/schedulers/create-scheduler.ts";
import type { ErrorCode } from "../../shared/error-codes.ts";
import type { ImageFile } from "./image-file.ts";

/** Messages between the worker (parent) and the compute process (child). Bytes are not encoded. */

export interface LearnTask {
  readonly kind: "learn";
  readonly pairs: readonly { readonly before: ImageFile; readonly after: ImageFile }[];
  readonly init?: string;
  readonly space?: "text" | "kv";
  readonly steps?: number;
  readonly learningRate?: number;
  readonly textGuidance?: number;
  readonly imageGuidance?: number;
  readonly clipWeight?: number;
  readonly seed: number;
  /** Checkpoint of an earlier attempt to resume from. */
  readonly resume?: Uint8Array;
  /** Seconds between two checkpoints. */
  readonly saveEvery: number;
  /** Number of previews in a run. */
  readonly previews: number;
}

/** Edits of several jobs with one prompt: the common settings, and a part per job. */
export interface EditTask {
  readonly kind: "edit";
  readonly prompt: EditPrompt;
  readonly parts: readonly EditPart[];
  /** Maximum images per batch. */
  readonly batch: number;
}

export interface EditPrompt {
  /** A `.visii` file. */
  readonly instruction?: Uint8Array;
  readonly text?: string;
  readonly mixing?: "joined" | "in-turn";
  readonly textGuidance?: number;
  readonly imageGuidance?: number;
  readonly guidanceInterval?: readonly [number, number];
  readonly steps?: number;
  readonly scheduler?: SchedulerKind;
  readonly negative?: string;
  readonly strength?: number;
}

export interface EditPart {
  /** The remaining images, with their position in the request. */
  readonly images: readonly { readonly index: number; readonly file: ImageFile }[];
  /** White is edited, black is kept. */
  readonly mask?: ImageFile;
  readonly noise?: "fixed" | "fresh";
  readonly seed: number;
  readonly count: number;
  readonly format: "png" | "jpeg" | "webp";
  readonly metadata?: MetadataMode;
  readonly colorProfile?: ColorProfileMode;
}

/** Checks a `.visii` file against the model. */
export interface ImportTask {
  readonly kind: "import";
  readonly file: Uint8Array;
}

export type Task = LearnTask | EditTask | ImportTask;

export type ParentMessage =
  /** Compile in advance what a first job needs, until a task comes. */
  | { readonly type: "warm up" }
  | { readonly type: "run"; readonly task: Task }
  /** Without `part`: the whole task. */
  | { readonly type: "cancel"; readonly part?: number };

export interface LearnedInstruction {
  readonly file: Uint8Array;
  /** The initial prompt, if any. */
  readonly init?: string;
  /** Guidance scale during learning. */
  readonly textGuidance: number;
  readonly steps: number;
  readonly curve: readonly { readonly step: number; readonly loss: number; readonly validation?: number }[];
  /** Messages for the caller about the pairs and the run. */
  readonly warnings: readonly string[];
}

/** Events of a running task. */
export type TaskEvent =
  | {
      readonly type: "progress";
      /** Only for edit tasks. */
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
  /** If the pairs differ only in color: a `.cube` file that repeats the edit. */
  | { readonly type: "lut"; readonly cube: string }
  | {
      readonly type: "result";
      /** Only for edit tasks. */
      readonly part: number;
      readonly index: number;
      readonly variation: number;
      readonly bytes: Uint8Array;
      readonly width: number;
      readonly height: number;
    }
  /** One part of an edit task has ended; the others continue. */
  | { readonly type: "part done"; readonly part: number; readonly done: TaskDone }
  | { readonly type: "part failed"; readonly part: number; readonly failure: TaskFailure };

export interface TaskDone {
  /** Only for learn and import tasks. */
  readonly instruction?: LearnedInstruction;
  /** Completed sampling or learning steps. */
  readonly steps: number;
  /** For a part: its share of its batches' time. */
  readonly seconds?: number;
}

export interface TaskFailure {
  readonly kind: "visible" | "canceled" | "broken";
  readonly code: ErrorCode;
  readonly message: string;
  /** For `broken`: for the log only, never for the caller. */
  readonly stack?: string;
}

export type ChildMessage =
  | { readonly type: "ready"; readonly model: string }
  | { readonly type: "warm"; readonly failure?: TaskFailure }
  | { readonly type: "event"; readonly event: TaskEvent }
  | { readonly type: "done"; readonly done: TaskDone }
  | { readonly type: "failed"; readonly failure: TaskFailure };
