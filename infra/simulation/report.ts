import { type LineChart, lineChart } from "../../research/charts/line-chart.ts";
import type { WorkerTime } from "../../scaler/worker-times.ts";
import { quantile } from "./quantile.ts";
import type { Outcome } from "./run-scenario.ts";
import type { Case } from "./scenarios.ts";
import type { Overrides } from "./settings.ts";
import { hour } from "./traces.ts";

/** Settings and their results on several days, each with its own seed. */
export interface Trial {
  readonly overrides: Overrides;
  readonly days: readonly Outcome[];
  /** Number of days that meet the goal. */
  readonly met: number;
}

/** Settings meet a goal if 19 of 20 days do. */
export const meetsGoal = ({ met, days }: Trial): boolean => met >= 0.95 * days.length;

/** Median of a figure over the days of a trial, or another quantile. */
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
    "wait of edits, p50 / p95 / p99",
    (trial) =>
      (["p50", "p95", "p99"] as const).map((share) => duration(over(trial, editWait(share)))).join(" / "),
  ],
  [
    "p95 on the best and worst day",
    (trial) => [0, 1].map((share) => duration(over(trial, editWait("p95"), share))).join(" – "),
  ],
  [
    "learning, p95",
    (trial) =>
      orDash(
        over(trial, ({ waits }) => waits.learning?.p95 ?? Number.NaN),
        duration,
      ),
  ],
  ["done after", (trial) => duration(over(trial, ({ makespan }) => makespan))],
  [
    "machine hours, of which on demand",
    (trial) =>
      [
        over(trial, ({ machineHours: { onDemand, spot } }) => onDemand + spot),
        over(trial, ({ machineHours }) => machineHours.onDemand),
      ]
        .map((hours) => hours.toFixed(1))
        .join(", "),
  ],
  ["machines", (trial) => dollars(over(trial, ({ cost }) => cost.machines))],
  ["requests and NAT", (trial) => dollars(over(trial, ({ cost }) => cost.requests))],
  ["1,000 edits", (trial) => dollars(over(trial, ({ costOf }) => costOf.thousandEdits))],
  [
    "1 learning job",
    (trial) =>
      orDash(
        over(trial, ({ costOf }) => costOf.learning),
        dollars,
      ),
  ],
  ["goal met", ({ met, days }) => `${met} of ${days.length} days`],
];
const orDash = (value: number, show: (value: number) => string): string =>
  Number.isNaN(value) ? "–" : show(value);

/** Markdown table with one line per trial. */
export function trialTable(trials: readonly (readonly [name: string, trial: Trial])[]): string {
  const head = ["settings", ...columns.map(([title]) => title)];
  const lines = trials.map(([name, trial]) => [name, ...columns.map(([, cell]) => cell(trial))]);
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Markdown table of the times, assumed ones first. */
export function timesTable(times: Readonly<Record<string, WorkerTime>>): string {
  const order = Object.values(times).sort((a, b) => a.known.localeCompare(b.known));
  const lines = order.map(({ what, seconds, known, day }) => [what, `${seconds} s`, known, day]);
  const head = ["what", "time", "source", "date"];
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

const settingWords: Readonly<Record<keyof Overrides, (value: number) => string>> = {
  minimum: (value) => `minimum ${value}`,
  maximum: (value) => `maximum ${value}`,
  onDemandBase: (value) => `${value} on demand`,
  targetWait: (value) => `target ${value} s`,
  idleAfter: (value) => `idle ${value} s`,
};

export const nameOf = (overrides: Overrides): string =>
  Object.entries(overrides)
    .map(([setting, value]) => settingWords[setting as keyof Overrides](value))
    .join(", ") || "as deployed";

/** One line of the table of recommended settings. */
export const adviceLine = ({ stage, pool, title }: Case, overrides: Overrides): string =>
  `| \`${stage}\` | ${pool} | ${nameOf(overrides)} | ${title.split(":")[0]} |`;

/** Shown hours of a day with a single worker, which starts and stops too often for 24 hours. */
const noon = { from: 9 * hour, until: 15 * hour } as const;

/** Workers and machines over time. The part of the title after the colon is omitted. */
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
    description: "Workers requested, workers ready and billed machines over the day",
    x: { label: "hours since midnight" },
    y: { label: "workers, machines", fromZero: true },
    series: [
      { name: "workers requested", points: points(({ desired }) => desired), draw: "steps", dashed: true },
      { name: "workers ready", points: points(({ ready }) => ready), draw: "steps" },
      { name: "billed machines", points: points(({ machines }) => machines), draw: "steps" },
    ],
  });
}

/** One point per trial: cost against the wait of edits, or against the total time of a batch. */
export function choiceChart(title: string, trials: readonly Trial[], bulk: boolean): Promise<string> {
  const point = (trial: Trial) => ({
    x: over(trial, dayCost),
    y: bulk ? over(trial, ({ makespan }) => makespan) / hour : over(trial, editWait("p95")),
  });
  const series = (name: string, met: boolean): LineChart["series"][number] => ({
    name,
    points: trials.filter((trial) => meetsGoal(trial) === met).map(point),
    draw: "points",
  });
  return lineChart({
    title,
    description: "Cost of a day against the wait, for every combination of settings",
    x: { label: "US dollars a day" },
    y: {
      label: bulk ? "hours until all edits are done" : "wait of edits, 95th percentile, in seconds",
      fromZero: true,
    },
    series: [series("meets the goal", true), series("does not", false)].filter(({ points }) => points.length),
  });
}

/** Seconds as text with a unit. */
const duration = (seconds: number): string =>
  seconds < 120
    ? `${seconds.toFixed(0)} s`
    : seconds < 2 * hour
      ? `${(seconds / 60).toFixed(0)} min`
      : `${(seconds / hour).toFixed(1)} h`;

const dollars = (amount: number): string => `$${amount.toFixed(amount < 1 ? 3 : 2)}`;
