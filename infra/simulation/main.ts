/**
 * `npm run simulate`: simulates days of traffic with the deployed scaler. It prints tables, and writes tables and
 * charts to out/simulation/.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { estimatedSeconds } from "../../scaler/policy.ts";
import { workerTimes } from "../../scaler/worker-times.ts";
import { batchPace } from "../../shared/batch-pace.ts";
import { badConditions, batchPeriod, type Conditions, type ServiceTimes } from "./assumptions.ts";
import {
  adviceLine,
  choiceChart,
  dayCost,
  historyChart,
  meetsGoal,
  nameOf,
  over,
  type Trial,
  timesTable,
  trialTable,
} from "./report.ts";
import { runScenario } from "./run-scenario.ts";
import { asDeployed, type Case, combinations, createCases } from "./scenarios.ts";
import type { Overrides } from "./settings.ts";

const { values } = parseArgs({
  options: {
    "edit-seconds": { type: "string", default: String(estimatedSeconds.interactive) },
    "learn-seconds": { type: "string", default: String(estimatedSeconds.learning) },
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
  batch: { window: positive("window"), linesPerPass: batchPace.linesPerPass, period: batchPeriod },
}).filter(({ name }) => values.only === undefined || values.only.split(",").includes(name));
await mkdir(values.out, { recursive: true });

const days = positive("days");
const pages: string[] = [];
const advice = ["| stage | pool | settings | decided by |", "| --- | --- | --- | --- |"];
let differs = false;
for (const one of cases) pages.push(await simulate(one));
pages.push(advice.join("\n"), timesTable(workerTimes));
await writeFile(join(values.out, "tables.md"), `${pages.join("\n\n")}\n`);
if (differs) {
  process.stderr.write(
    "The recommended settings differ from infra/stages.ts or scaler/policy.ts; change these files.\n",
  );
  process.exitCode = 1;
}

async function simulate(one: Case): Promise<string> {
  const current = nameOf(asDeployed(one));
  const trials = combinations(one.choices).map((overrides) => tryOut(one, overrides));
  const [best] = trials.filter(meetsGoal).sort((a, b) => over(a, dayCost) - over(b, dayCost));
  const now = trials.find(({ overrides }) => nameOf(overrides) === current);
  if (!now) throw new Error(`internal: ${one.name} does not try the deployed settings, ${current}`);
  differs ||= best !== now;
  if (best) advice.push(adviceLine(one, best.overrides));
  const page = [
    `## ${one.title}`,
    `Goal: ${one.goal}.`,
    trialTable([
      ...trials.map(
        (trial) => [trial === now ? `**as deployed: ${current}**` : nameOf(trial.overrides), trial] as const,
      ),
      ...Object.entries(badConditions).map(
        ([name, conditions]) => [`as deployed, ${name}`, tryOut(one, now.overrides, conditions)] as const,
      ),
    ]),
    ...(best ? [] : ["No settings meet the goal."]),
  ].join("\n\n");
  const [first] = now.days;
  if (first) await writeFile(join(values.out, `${one.name}-day.svg`), await historyChart(one.title, first));
  await writeFile(
    join(values.out, `${one.name}-choices.svg`),
    await choiceChart("Cost and wait of each setting", trials, one.pool === "bulk"),
  );
  process.stdout.write(`${page}\n\n`);
  return page;
}

function tryOut(one: Case, overrides: Overrides, conditions?: Conditions): Trial {
  const outcomes = Array.from({ length: days }, (_, index) => {
    const outcome = runScenario(one.create(overrides, index + 1, conditions));
    // Only the first day is drawn.
    return index ? { ...outcome, history: [] } : outcome;
  });
  const met = outcomes.filter((outcome) => !outcome.unfinished && one.isMet(outcome)).length;
  return { overrides, met, days: outcomes };
}

function positive(name: "edit-seconds" | "learn-seconds" | "window" | "days"): number {
  const value = Number(values[name]);
  if (value > 0) return value;
  process.stderr.write(`--${name} is ${values[name]}; it must be a number above 0.\n`);
  process.exit(2);
}
