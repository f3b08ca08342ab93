import { defined } from "../shared/defined.ts";

/**
 * Progress of a long run: one line redrawn in place on a terminal, otherwise a plain line every few seconds.
 */

interface ProgressState {
  readonly stage: string;
  /** Completed steps, out of `steps`. */
  readonly step: number;
  readonly steps: number;
  /** Unit of `step` and `steps`, if not steps. */
  readonly unit?: string;
  readonly loss?: number;
  readonly etaSeconds?: number;
}

interface ProgressTarget {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Seconds between two plain lines. */
const plainEvery = 5;
/** Minimum seconds between two redraws. */
const redrawEvery = 0.08;
/** Maximum width of the bar in characters. */
const widestBar = 24;

/** 65 → "1 min 05 s". */
export function showDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")} min`;
}

export function drawBar(fraction: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, fraction)) * width * 8);
  const partial = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]!;
  return `${"█".repeat(Math.floor(eighths / 8))}${partial}`.padEnd(width, "·");
}

export function progressText({ stage, step, steps, unit, loss, etaSeconds }: ProgressState): string {
  const facts = [
    unit === undefined ? `step ${step}/${steps}` : `${step}/${steps} ${unit}`,
    ...(loss === undefined ? [] : [`loss ${loss.toFixed(4)}`]),
    ...(etaSeconds === undefined || step >= steps ? [] : [`${showDuration(etaSeconds)} left`]),
  ];
  return `${stage}  ${facts.join("  ")}`;
}

export class ProgressBar {
  readonly #target: ProgressTarget;
  /** Monotonic time in seconds. */
  readonly #now: () => number;
  #last: ProgressState | undefined;
  #shownAt = Number.NEGATIVE_INFINITY;
  #drawn = false;

  constructor(target: ProgressTarget, now: () => number = () => performance.now() / 1000) {
    this.#target = target;
    this.#now = now;
  }

  update(state: ProgressState): void {
    const due = this.#now() - this.#shownAt >= (this.#target.isTTY ? redrawEvery : plainEvery);
    const ends = state.step === state.steps && this.#last?.step !== state.steps;
    const turning = state.stage !== this.#last?.stage || ends;
    // Keep showing the last loss when an update has none.
    const loss = state.loss ?? (state.stage === this.#last?.stage ? this.#last.loss : undefined);
    this.#last = { ...state, ...defined({ loss }) };
    if (!due && !turning) return;
    this.#shownAt = this.#now();
    const text = progressText(this.#last);
    if (!this.#target.isTTY) this.#target.write(`${text}\n`);
    else {
      // Some pseudo-terminals report a width of 0.
      const columns = this.#target.columns ?? 0;
      const room = (columns > 0 ? columns : 80) - 1;
      const bar = drawBar(
        state.steps > 0 ? state.step / state.steps : 1,
        Math.min(widestBar, Math.max(0, room - text.length - 2)),
      );
      this.#target.write(`\r\x1b[2K${`${bar}  ${text}`.slice(0, room)}`);
      this.#drawn = true;
    }
  }

  /** Prints a line above the bar. */
  note(line: string): void {
    this.clear();
    this.#target.write(`${line}\n`);
  }

  /** Removes the bar from the terminal. */
  clear(): void {
    if (this.#drawn) this.#target.write("\r\x1b[2K");
    this.#drawn = false;
  }
}
