import { type LineChart, lineChart } from "../../research/charts/line-chart.ts";
import type { WorkerTime } from "../../scaler/worker-times.ts";
import { quantile } from "./quantile.ts";
import type { Outcome } from "./run-scenario.ts";
import type { Case } from "./scenarios.ts";
import type { Turned } from "./settings.ts";
import { hour } from "./traces.ts";

/** Settings and what came of them on many days, each with a seed of its own. */
export interface Trial {
  readonly turned: Turned;
  readonly days: readonly Outcome[];
  /** Of the days, those that keep the promise. */
  readonly kept: number;
}

/** A setting keeps a promise where 19 of 20 days do. */
export const isKept = ({ kept, days }: Trial): boolean => kept >= 0.95 * days.length;

/** A figure of a trial: over its days the median, or any other quantile. */
export const over = ({ days }: Trial, figure: (outcome: Outcome) => number, share = 0.5): number =>
  quantile(
    days.map(figure).sort((a, b) => a - b),
    share,
  );

export const dayCost = ({ cost }: Outcome): number => cost.machines + cost.requests;

const editWait =
  (share: "p50" | "p95" | "p99") =>
  ({ waits }: Outcome): number =>
    (waits.interactive ?? waits.bulk)?.[share] ?? 0;
const columns: readonly (readonly [title: string, cell: (trial: Trial) => string])[] = [
  [
    "edits wait, p50 / p95 / p99",
    (trial) =>
      (["p50", "p95", "p99"] as const).map((share) => duration(over(trial, editWait(share)))).join(" / "),
  ],
  [
    "p95, best and worst day",
    (trial) => [0, 1].map((share) => duration(over(trial, editWait("p95"), share))).join(" – "),
  ],
  [
    "learnings, p95",
    (trial) =>
      orDash(
        over(trial, ({ waits }) => waits.learning?.p95 ?? Number.NaN),
        duration,
      ),
  ],
  ["all done after", (trial) => duration(over(trial, ({ makespan }) => makespan))],
  [
    "machine hours, on demand",
    (trial) =>
      [
        over(trial, ({ machineHours: { onDemand, spot } }) => onDemand + spot),
        over(trial, ({ machineHours }) => machineHours.onDemand),
      ]
        .map((hours) => hours.toFixed(1))
        .join(", "),
  ],
  ["machines", (trial) => dollars(over(trial, ({ cost }) => cost.machines))],
  ["requests, NAT", (trial) => dollars(over(trial, ({ cost }) => cost.requests))],
  ["1,000 edits", (trial) => dollars(over(trial, ({ costOf }) => costOf.thousandEdits))],
  [
    "a learning",
    (trial) =>
      orDash(
        over(trial, ({ costOf }) => costOf.learning),
        dollars,
      ),
  ],
  ["promise kept", ({ kept, days }) => `${kept} of ${days.length} days`],
];
const orDash = (value: number, show: (value: number) => string): string =>
  Number.isNaN(value) ? "–" : show(value);

/** A Markdown table: one line for each trial. */
export function trialTable(trials: readonly (readonly [name: string, trial: Trial])[]): string {
  const head = ["settings", ...columns.map(([title]) => title)];
  const lines = trials.map(([name, trial]) => [name, ...columns.map(([, cell]) => cell(trial))]);
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** What the simulation takes for given, as a Markdown table: what is assumed before what is measured. */
export function timesTable(times: Readonly<Record<string, WorkerTime>>): string {
  const order = Object.values(times).sort((a, b) => a.known.localeCompare(b.known));
  const lines = order.map(({ what, seconds, known, day }) => [what, `${seconds} s`, known, day]);
  const head = ["what takes it", "seconds", "known how", "since"];
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

const settingWords: Readonly<Record<keyof Turned, (value: number) => string>> = {
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

/** A line of the table of what the simulation advises. */
export const adviceLine = ({ stage, pool, title }: Case, turned: Turned): string =>
  `| \`${stage}\` | ${pool} | ${nameOf(turned)} | ${title.split(":")[0]} |`;

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
  const point = (trial: Trial) => ({
    x: over(trial, dayCost),
    y: bulk ? over(trial, ({ makespan }) => makespan) / hour : over(trial, editWait("p95")),
  });
  const series = (name: string, kept: boolean): LineChart["series"][number] => ({
    name,
    points: trials.filter((trial) => isKept(trial) === kept).map(point),
    draw: "points",
  });
  return lineChart({
    title,
    description: "Cost of the day against the wait, for every combination of settings tried",
    x: { label: "US dollars a day" },
    y: {
      label: bulk ? "hours until all is done" : "seconds until 95 of 100 edits have begun",
      fromZero: true,
    },
    series: [series("keeps the promise", true), series("does not", false)].filter(
      ({ points }) => points.length,
    ),
  });
}

/** Seconds, for people. */
const duration = (seconds: number): string =>
  seconds < 120
    ? `${seconds.toFixed(0)} s`
    : seconds < 2 * hour
      ? `${(seconds / 60).toFixed(0)} min`
      : `${(seconds / hour).toFixed(1)} h`;

const dollars = (amount: number): string => `$${amount.toFixed(amount < 1 ? 3 : 2)}`;
