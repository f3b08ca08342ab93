/** `npm run simulate`: days of traffic against the scaling of infra/; tables on stdout, charts and tables in out/simulation/. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { reckonedSeconds } from "../../scaler/policy.ts";
import { workerTimes } from "../../scaler/worker-times.ts";
import { batchPace } from "../../shared/batch-pace.ts";
import { badWeather, handInSeconds, type ServiceTimes } from "./assumptions.ts";
import { choiceChart, duration, historyChart, nameOf, type Trial, timesTable, trialTable } from "./report.ts";
import { runScenario } from "./run-scenario.ts";
import { type Case, combinations, createCases } from "./scenarios.ts";
import type { Turned } from "./settings.ts";

const { values } = parseArgs({
  options: {
    "edit-seconds": { type: "string", default: String(reckonedSeconds.interactive) },
    "learn-seconds": { type: "string", default: String(reckonedSeconds.learning) },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
    window: { type: "string", default: String(batchPace.window) },
    out: { type: "string", default: fileURLToPath(new URL("../../out/simulation", import.meta.url)) },
  },
});

const times: ServiceTimes = {
  edit: positive("edit-seconds"),
  learn: positive("learn-seconds"),
  variation: 0.15,
};
const cases = createCases({
  times,
  batch: { window: positive("window"), handful: batchPace.handful, lookEvery: handInSeconds },
  seed: Number(values.seed),
}).filter(({ name }) => values.only === undefined || values.only.split(",").includes(name));
await mkdir(values.out, { recursive: true });

const pages = [timesTable(workerTimes)];
process.stdout.write(`${pages[0]}\n\n`);
for (const one of cases) pages.push(await tell(one));
await writeFile(join(values.out, "tables.md"), `${pages.join("\n\n")}\n`);

async function tell(one: Case): Promise<string> {
  const deployed = trial(one, {});
  const stormy = runScenario(one.play({}, badWeather["Spot scarce"]));
  const trials = combinations(one.choices).map((turned) => trial(one, turned));
  const keeping = trials.filter(({ kept }) => kept).sort((a, b) => a.outcome.cost - b.outcome.cost);
  const best = keeping[0];
  const { losses, repeated, lostSeconds } = stormy.spot;
  const page = [
    `## ${one.title}`,
    `Promise: ${one.promise}.`,
    trialTable([
      ["**as deployed**", deployed],
      ...(one.name === "small"
        ? []
        : [["as deployed, Spot scarce", { ...deployed, outcome: stormy, kept: one.kept(stormy) }] as const]),
      ...(best ? [[`**cheapest that keeps it**: ${nameOf(best.turned)}`, best] as const] : []),
      ...trials.map((tried) => [nameOf(tried.turned), tried] as const),
    ]),
    best ? "" : "No setting tried keeps the promise.",
    one.name === "small"
      ? ""
      : `Spot scarce: ${losses} machines lost, ${repeated} jobs begun again, ${duration(lostSeconds)} of work lost.`,
  ]
    .filter(Boolean)
    .join("\n\n");
  await writeFile(join(values.out, `${one.name}-day.svg`), await historyChart(one.title, deployed.outcome));
  await writeFile(
    join(values.out, `${one.name}-choices.svg`),
    await choiceChart("What each setting costs, and how long it makes wait", trials, one.pool === "bulk"),
  );
  process.stdout.write(`${page}\n\n`);
  return page;
}

function trial(one: Case, turned: Turned): Trial {
  const outcome = runScenario(one.play(turned));
  return { turned, outcome, kept: !outcome.unfinished && one.kept(outcome) };
}

function positive(name: "edit-seconds" | "learn-seconds" | "window"): number {
  const value = Number(values[name]);
  if (value > 0) return value;
  process.stderr.write(`--${name} ${values[name]} is no count of seconds or lines; give a number above 0.\n`);
  process.exit(2);
}
