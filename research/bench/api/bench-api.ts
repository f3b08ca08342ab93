import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Load } from "./load.ts";
import { accounts, callers, measureRequests, type RequestFigures } from "./measure-requests.ts";
import { measureEdits, measureStarts } from "./measure-service.ts";

/**
 * `npm run bench -- api`: requests per second of create-job and get-job compared with bare Hono returning the
 * same JSON, the time until a worker starts, and edits per minute with and without batching. `--before DIR`
 * first measures another checkout's requests.
 */
export async function benchApi(root: string, words: readonly string[], say: (line: string) => void) {
  const { values } = parseArgs({
    args: [...words],
    options: {
      before: { type: "string" },
      seconds: { type: "string", default: "10" },
      starts: { type: "string", default: "20" },
      edits: { type: "string", default: "60" },
    },
  });
  const { before } = values;
  const seconds = Number(values.seconds);
  const old = before === undefined ? undefined : await measureRequests(before, seconds);
  if (old) tell(say, `before, in ${before}`, old);
  const now = await measureRequests(root, seconds);
  tell(say, "now", now);
  if (old) {
    const times = (pick: (figures: RequestFigures) => Load) =>
      `${(pick(now).perSecond / pick(old).perSecond).toFixed(2)}×`;
    say(`  to before: create-job ${times(({ create }) => create)}, get-job ${times(({ get }) => get)}`);
  }
  const model = join(root, "models", "mini");
  const image = await readFile(join(root, "demo", "before.jpg"));
  const starts = Number(values.starts) ? await measureStarts(model, image, Number(values.starts)) : [];
  if (starts.length)
    say(
      `from POST to a worker's begin, idle, ${starts.length} times: median ${starts[Math.floor(starts.length / 2)]} s, longest ${starts.at(-1)} s`,
    );
  const count = Number(values.edits);
  const edits = count
    ? {
        alone: await measureEdits(model, image, 1, count, 1),
        batched: await measureEdits(model, image, 1, count),
        twoWorkers: await measureEdits(model, image, 2, count),
      }
    : undefined;
  if (edits) {
    const { alone, batched, twoWorkers } = edits;
    say(`edits a minute, 1 worker: ${batched.toFixed(0)}; one job at a time ${alone.toFixed(0)}`);
    say(`  waiting edits of one prompt as a batch: ${(batched / alone).toFixed(2)}×`);
    say(`edits a minute, 2 workers: ${twoWorkers.toFixed(0)}, ${(twoWorkers / batched).toFixed(2)}× of one`);
  }
  return { before: old, now, starts, edits };
}

function tell(say: (line: string) => void, name: string, figures: RequestFigures): void {
  const { create, get, bareCreate, bareGet, putsPerSecond } = figures;
  say(`${name}: ${callers} callers of ${accounts} accounts; a bare put ${putsPerSecond.toFixed(0)}/s`);
  for (const [what, ours, bare] of [
    ["create-job", create, bareCreate],
    ["get-job", get, bareGet],
  ] as const) {
    const counted = Object.entries(ours.calls).map(([call, count]) => `${call} ${count.toFixed(2)}`);
    say(`  ${what}  ${line(ours)}`);
    say(`    ${(ours.perSecond / bare.perSecond).toFixed(4)} of bare Hono's ${line(bare)}`);
    say(`    ${(ours.perSecond / putsPerSecond).toFixed(2)} of the bare puts`);
    say(`    calls ${counted.join(", ")}`);
    say(`    processor: API ${ours.cpu.api.toFixed(2)} ms, stand-ins ${ours.cpu.standIns.toFixed(2)} ms`);
  }
}

const line = ({ perSecond, p50, p99 }: Load) =>
  `${perSecond.toFixed(0)}/s, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`;
