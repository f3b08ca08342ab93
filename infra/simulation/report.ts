import { type LineChart, lineChart } from "../../research/charts/line-chart.ts";
import type { WorkerTime } from "../../scaler/worker-times.ts";
import type { Outcome } from "./run-scenario.ts";
import type { Turned } from "./settings.ts";
import { hour } from "./traces.ts";

/** Settings and what came of them. */
export interface Trial {
  readonly turned: Turned;
  readonly outcome: Outcome;
  readonly kept: boolean;
}

const columns: readonly (readonly [title: string, cell: (outcome: Outcome) => string])[] = [
  ["wait to start p50 / p95 / p99, edits", ({ waits }) => waitCell(waits.interactive ?? waits.bulk)],
  ["the same, learnings", ({ waits }) => waitCell(waits.learning)],
  ["all done after", ({ makespan }) => duration(makespan)],
  ["machine hours", ({ machineHours: { onDemand, spot } }) => (onDemand + spot).toFixed(1)],
  ["busy", ({ utilisation }) => `${(100 * utilisation).toFixed(0)} %`],
  ["cost", ({ cost }) => dollars(cost)],
  ["1,000 edits", ({ costOf }) => dollars(costOf.thousandEdits)],
  ["a learning", ({ costOf }) => (Number.isNaN(costOf.learning) ? "–" : dollars(costOf.learning))],
];

/** A Markdown table: one line for each trial, the promise kept or not at its end. */
export function trialTable(trials: readonly (readonly [name: string, trial: Trial])[]): string {
  const head = ["settings", ...columns.map(([title]) => title), "promise kept"];
  const lines = trials.map(([name, { outcome, kept }]) => [
    name,
    ...columns.map(([, cell]) => cell(outcome)),
    outcome.unfinished ? `no: ${outcome.unfinished} jobs undone` : kept ? "yes" : "no",
  ]);
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** What the simulation takes for given, as a Markdown table: what is assumed before what is measured. */
export function timesTable(times: Readonly<Record<string, WorkerTime>>): string {
  const order = Object.values(times).sort((a, b) => a.known.localeCompare(b.known));
  const lines = order.map(({ what, seconds, known, day }) => [what, `${seconds} s`, known, day]);
  const head = ["what takes it", "seconds", "known how", "since"];
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

export const settingWords: Readonly<Record<keyof Turned, (value: number) => string>> = {
  minimum: (value) => `minimum ${value}`,
  maximum: (value) => `maximum ${value}`,
  onDemandBase: (value) => `${value} on demand`,
  targetWait: (value) => `target ${value} s`,
  idleAfter: (value) => `idle ${value} s`,
};

export const nameOf = (turned: Turned): string =>
  Object.entries(turned)
    .map(([setting, value]) => settingWords[setting as keyof Turned](value))
    .join(", ") || "as deployed";

/** Six hours of a day with one worker, which comes and goes too often to be seen in all of them. */
const noon = { from: 9 * hour, until: 15 * hour } as const;

/** Workers and machines over the time. Of the title, what follows a colon is for the page. */
export function historyChart(title: string, { history, makespan }: Outcome): Promise<string> {
  const begin = history.findIndex(({ waiting }) => waiting > 0);
  const first = Math.max(0, (history[begin]?.at ?? 0) - 600);
  const { from, until } = history.some(({ machines }) => machines > 1)
    ? { from: first, until: first + Math.max(makespan * 1.1, 3600) }
    : noon;
  const shown = history.filter(({ at }) => at >= from && at <= until);
  const every = Math.max(1, Math.floor(shown.length / 400));
  const points = (y: (moment: (typeof shown)[number]) => number) =>
    shown.filter((_, index) => index % every === 0).map((moment) => ({ x: moment.at / hour, y: y(moment) }));
  return lineChart({
    title: title.split(":")[0]!,
    description: "Workers wanted, workers ready and machines paid for, by the hour",
    x: { label: "hours since midnight" },
    y: { label: "workers, machines", fromZero: true },
    series: [
      { name: "workers wanted", points: points(({ desired }) => desired), draw: "steps", dashed: true },
      { name: "workers ready", points: points(({ ready }) => ready), draw: "steps" },
      { name: "machines paid for", points: points(({ machines }) => machines), draw: "steps" },
    ],
  });
}

/** Every trial as a point: what it costs against how long its edits wait, or how long all takes. */
export function choiceChart(title: string, trials: readonly Trial[], bulk: boolean): Promise<string> {
  const point = ({ outcome }: Trial) => ({
    x: outcome.cost,
    y: bulk ? outcome.makespan / hour : (outcome.waits.interactive?.p95 ?? 0),
  });
  const series = (name: string, kept: boolean): LineChart["series"][number] => ({
    name,
    points: trials.filter((trial) => trial.kept === kept).map(point),
    draw: "points",
  });
  return lineChart({
    title,
    description: "Cost of the day against the wait, for every combination of settings tried",
    x: { label: "US dollars of machines" },
    y: {
      label: bulk ? "hours until all is done" : "seconds until 95 of 100 edits have begun",
      fromZero: true,
    },
    series: [series("keeps the promise", true), series("does not", false)].filter(
      ({ points }) => points.length,
    ),
  });
}

const waitCell = (waits: Outcome["waits"]["bulk"]): string =>
  waits ? [waits.p50, waits.p95, waits.p99].map(duration).join(" / ") : "–";

/** Seconds, for people. */
export const duration = (seconds: number): string =>
  seconds < 120
    ? `${seconds.toFixed(0)} s`
    : seconds < 2 * hour
      ? `${(seconds / 60).toFixed(0)} min`
      : `${(seconds / hour).toFixed(1)} h`;

const dollars = (amount: number): string => `$${amount.toFixed(amount < 1 ? 3 : 2)}`;
