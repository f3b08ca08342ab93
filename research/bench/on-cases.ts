import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bootstrapMean, mean } from "../../engine/evaluation/bootstrap.ts";
import type { CaseFiles } from "../../engine/evaluation/evaluation-case.ts";
import { readSet } from "../../engine/evaluation/read-set.ts";
import { openPipeline, type Pipeline } from "../../engine/pipeline/pipeline.ts";
import {
  benchAgainstReference,
  paperEvaluations,
  type QualityPoint,
  referenceSide,
} from "./against-the-reference.ts";
import { countAlignmentWarnings } from "./alignment.ts";
import { benchCaptions, type InitFigures } from "./captions.ts";
import { benchInt8Edits, int8Cases } from "./int8.ts";
import { qualityChart, referenceMarkdown, showInterval } from "./reference-report.ts";
import { benchWordings } from "./wordings.ts";

interface Bench {
  readonly root: string;
  readonly pipeline: Pipeline;
  readonly threads: number;
  /** Names on the command line. */
  readonly asked: readonly string[];
  say(line: string): void;
  /** Results stored in out/bench/figures.json. */
  readonly figures: Record<string, unknown>;
}

/**
 * Chosen before any run: three held-out painting styles, a held-out family, two filters and two tonal edits.
 */
const chosen = [
  "ink-navy",
  "neon-edges",
  "painting-19",
  "painting-3-12",
  "painting-24",
  "sketch-sepia",
  "teal-orange-duotone",
  "watercolor-wet",
];
const seeds = [0];

/**
 * Benchmarks that learn from the bundled evaluation set. They take minutes to an hour and run only by name.
 */
export async function benchOnCases(bench: Bench): Promise<void> {
  const { root, asked, say, pipeline, figures } = bench;
  const read = () => readSet(join(root, "evaluation-set"));
  const readChosen = async () => (await read()).filter(({ name }) => chosen.includes(name));
  // The paper's loop takes an hour for four cases on two cores.
  if (asked.includes("reference"))
    await reference(
      bench,
      (await readChosen()).filter((_, index) => index % 2 === 0),
    );
  if (asked.includes("captions")) await captions(bench, await readChosen());
  if (asked.includes("int8-edits")) {
    const { folder } = pipeline.model;
    const int8 = await openPipeline(folder, { device: "cpu", precision: "int8", threads: bench.threads });
    const cases = (await read()).filter(({ name }) => int8Cases.includes(name));
    figures.int8Edits = await benchInt8Edits(pipeline, int8, cases, say);
    await int8.dispose();
  }
  if (asked.includes("wordings"))
    for (const { text, psnr } of await benchWordings(pipeline, root)) say(`${psnr.toFixed(2)} dB  ${text}`);
  if (asked.includes("alignment")) {
    const counts = await countAlignmentWarnings(await read(), (what, { kind }) => {
      if (what.startsWith("aligned")) say(`  ${what}: detected as ${kind}`);
    });
    for (const { name, pairs, warned } of counts) say(`${name}: warnings for ${warned} of ${pairs} pairs`);
    figures.alignment = counts;
  }
}

async function reference(
  { root, pipeline: { model }, threads, say, figures }: Bench,
  cases: readonly CaseFiles[],
): Promise<void> {
  const points: QualityPoint[] = [];
  const folder = join(root, "out", "bench", "reference");
  const pipeline = await openPipeline(model.folder, { device: "cpu", threads, resolution: referenceSide });
  const failure = await benchAgainstReference(pipeline, cases, { seeds, folder, threads }, (point) => {
    points.push(point);
    say(
      `  ${point.learner}, ${point.case}: ${point.psnr.toFixed(2)} dB after ${point.evaluations} evaluations`,
    );
  });
  await pipeline.dispose();
  if (failure !== undefined) say(failure);
  const report = referenceMarkdown(points, paperEvaluations);
  say(report);
  const out = join(root, "out", "bench");
  await mkdir(out, { recursive: true });
  await writeFile(join(out, "reference.md"), `${report}\n`);
  await writeFile(join(out, "reference.svg"), await qualityChart(points));
  figures.reference = points;
}

async function captions({ pipeline, say, figures }: Bench, cases: readonly CaseFiles[]): Promise<void> {
  const found: InitFigures[] = [];
  await benchCaptions(pipeline, cases, (one) => {
    found.push(one);
    say(
      `  ${one.case}, ${one.way}: “${one.init}” ${one.wordsAlone.toFixed(2)} ${JSON.stringify(one.learned)}`,
    );
  });
  const ways = [...new Set(found.map(({ way }) => way))];
  for (const way of ways) {
    const own = found.filter((one) => one.way === way);
    const learned = Object.keys(own[0]!.learned).map(
      (steps) =>
        `${steps} steps ${showInterval(bootstrapMean(own.map((one) => one.learned[Number(steps)]!)))}`,
    );
    say(
      `${way}: words alone ${mean(own.map(({ wordsAlone }) => wordsAlone)).toFixed(2)}, ${learned.join(", ")}`,
    );
  }
  figures.captions = found;
}
