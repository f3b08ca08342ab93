import { createHash } from "node:crypto";
import { availableParallelism } from "node:os";
import { elementCount } from "../../engine/graph/value.ts";
import { lossGraph } from "../../engine/inversion/loss-graph.ts";
import { planLoss } from "../../engine/inversion/loss-plan.ts";
import { unetGraph } from "../../engine/pipeline/forward-graphs.ts";
import { openPipeline } from "../../engine/pipeline/pipeline.ts";
import { SeededRandom } from "../../engine/random/seeded-random.ts";
import { optimize } from "../../engine/rewrite/optimize.ts";
import { side, timestep, wanted } from "./full-size-inputs.ts";
import type { StartedProcess } from "./full-size-start.ts";

/**
 * `FOLDER [CACHE]`: measures from the process start to the end of the first learning step. Prints a JSON
 * object.
 */
const [folder, cache] = process.argv.slice(2) as [string, string | undefined];

/** CPU seconds, user and system, since the process started. */
const spent = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const parts: Record<string, number> = { program: spent() };
async function part<Made>(name: string, make: () => Made | Promise<Made>): Promise<Made> {
  const before = spent();
  const made = await make();
  parts[name] = spent() - before;
  return made;
}

const notes: string[] = [];
const pipeline = await part("open", () =>
  openPipeline(folder, {
    device: "cpu",
    threads: availableParallelism(),
    ...(cache ? { cache: { folder: cache, note: (line: string) => notes.push(line) } } : {}),
  }),
);
const { model } = pipeline;
const plan = await part("plan", () => planLoss(model, wanted, pipeline.memory));
const session = await part("create", () => pipeline.session("loss", () => plan.graph));
// Wall-clock time since the process started.
const clock = performance.now() / 1000;
const random = new SeededRandom(1, "start");
const feeds = Object.fromEntries(
  plan.graph.inputs.map(({ name, shape }) => [name, random.normals(elementCount(shape))]),
);
const { loss, gradient } = await part("first", () =>
  session.run({ ...feeds, timesteps: Float32Array.of(timestep) }),
);
const hash = createHash("sha256");
for (const result of [loss!, gradient!])
  hash.update(new Uint8Array(result.buffer, result.byteOffset, result.byteLength));
const peakBytes = 1024 * process.resourceUsage().maxRSS;
await pipeline.dispose();

// The parts of planning, measured again separately: building, differentiating and rewriting the graph.
const apart: Record<string, number> = {};
const again = async <Made,>(name: string, make: () => Made): Promise<Made> => {
  const before = spent();
  const made = make();
  apart[name] = spent() - before;
  return made;
};
await again("write", () => unetGraph(model, { batch: 1, height: side, width: side, learnedRows: 0 }));
const raw = await again("writeAndDifferentiate", () => lossGraph(model, plan.settings));
await again("rewrite", () => optimize(raw));
const started: StartedProcess = { parts, clock, apart, bits: hash.digest("hex"), peakBytes, notes };
console.log(JSON.stringify(started));
