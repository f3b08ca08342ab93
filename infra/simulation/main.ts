/** `npm run simulate`: days of traffic against the deployed scaler; tables on stdout, charts and tables in out/simulation/. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { reckonedSeconds } from "../../scaler/policy.ts";
import { workerTimes } from "../../scaler/worker-times.ts";
import { batchPace } from "../../shared/batch-pace.ts";
import { badWeather, handInSeconds, type ServiceTimes, type Weather } from "./assumptions.ts";
import {
  adviceLine,
  choiceChart,
  dayCost,
  historyChart,
  isKept,
  nameOf,
  over,
  type Trial,
  timesTable,
  trialTable,
} from "./report.ts";
import { runScenario } from "./run-scenario.ts";
import { asDeployed, type Case, combinations, createCases } from "./scenarios.ts";
import type { Turned } from "./settings.ts";

const { values } = parseArgs({
  options: {
    "edit-seconds": { type: "string", default: String(reckonedSeconds.interactive) },
    "learn-seconds": { type: "string", default: String(reckonedSeconds.learning) },
    days: { type: "string", default: "20" },
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
}).filter(({ name }) => values.only === undefined || values.only.split(",").includes(name));
await mkdir(values.out, { recursive: true });

const days = positive("days");
const pages: string[] = [];
const advice = ["| stage | pool | advice | by |", "| --- | --- | --- | --- |"];
let differs = false;
for (const one of cases) pages.push(await tell(one));
pages.push(advice.join("\n"), timesTable(workerTimes));
await writeFile(join(values.out, "tables.md"), `${pages.join("\n\n")}\n`);
if (differs) {
  process.stderr.write(
    "infra/stages.ts or scaler/policy.ts say otherwise than this advice; deploy what it says.\n",
  );
  process.exitCode = 1;
}

async function tell(one: Case): Promise<string> {
  const current = nameOf(asDeployed(one));
  const trials = combinations(one.choices).map((turned) => trial(one, turned));
  const [best] = trials.filter(isKept).sort((a, b) => over(a, dayCost) - over(b, dayCost));
  const now = trials.find(({ turned }) => nameOf(turned) === current);
  if (!now) throw new Error(`internal: ${one.name} does not try what is deployed, ${current}`);
  differs ||= best !== now;
  if (best) advice.push(adviceLine(one, best.turned));
  const page = [
    `## ${one.title}`,
    `Promise: ${one.promise}.`,
    trialTable([
      ...trials.map(
        (tried) => [tried === now ? `**as deployed: ${current}**` : nameOf(tried.turned), tried] as const,
      ),
      ...Object.entries(badWeather).map(
        ([name, weather]) => [`as deployed, ${name}`, trial(one, now.turned, weather)] as const,
      ),
    ]),
    ...(best ? [] : ["No setting tried keeps the promise."]),
  ].join("\n\n");
  const [first] = now.days;
  if (first) await writeFile(join(values.out, `${one.name}-day.svg`), await historyChart(one.title, first));
  await writeFile(
    join(values.out, `${one.name}-choices.svg`),
    await choiceChart("What each setting costs, and how long it makes wait", trials, one.pool === "bulk"),
  );
  process.stdout.write(`${page}\n\n`);
  return page;
}

function trial(one: Case, turned: Turned, weather?: Weather): Trial {
  const outcomes = Array.from({ length: days }, (_, index) => {
    const outcome = runScenario(one.play(turned, index + 1, weather));
    // The first day is drawn; of the others nobody needs every minute.
    return index ? { ...outcome, history: [] } : outcome;
  });
  const kept = outcomes.filter((outcome) => !outcome.unfinished && one.kept(outcome)).length;
  return { turned, kept, days: outcomes };
}

function positive(name: "edit-seconds" | "learn-seconds" | "window" | "days"): number {
  const value = Number(values[name]);
  if (value > 0) return value;
  process.stderr.write(
    `--${name} ${values[name]} is no count of seconds, lines or days; give a number above 0.\n`,
  );
  process.exit(2);
}
