/**
 * Limits this process's memory, then runs a WebGPU session that needs more. Prints the outcome as JSON.
 */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { GraphBuilder } from "../../../engine/graph/graph-builder.ts";
import { optimize } from "../../../engine/rewrite/optimize.ts";
import { Session } from "../../../engine/runtime/session.ts";

const spare = 300e6;

/** y = Σ exp(x) over side² elements. */
function filled(side: number): Promise<Session> {
  const graph = new GraphBuilder(`filled_${side}`);
  const x = graph.input("x", "float32", [1, 1]);
  graph.output("y", graph.reduceSum(graph.exp(graph.expand(x, [side, side])), [0, 1]));
  return Session.create(optimize(graph.build()), { device: "webgpu", root: "/" });
}

const x = Float32Array.of(0);
const [small, large] = [await filled(64), await filled(2 ** 14)];
await small.run({ x });
const used = Number(/VmSize:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))![1]) * 1024;
execFileSync("prlimit", ["--pid", String(process.pid), `--as=${used + spare}`]);
const failure = await large.run({ x }).then(
  () => undefined,
  (error: { code?: string; message: string }) => ({ code: error.code, message: error.message }),
);
const { y } = await small.run({ x });
console.log(JSON.stringify({ failure, after: y![0] }));
