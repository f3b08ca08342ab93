import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { gradient } from "../../../engine/autodiff/gradient.ts";
import { GraphBuilder } from "../../../engine/graph/graph-builder.ts";
import { encodeSafetensors, openSafetensors } from "../../../engine/weights/safetensors-file.ts";
import { deviation } from "../numerics/closeness.ts";
import { feedsOf } from "../numerics/expect-gradient.ts";
import { evaluateGraph } from "../numerics/reference/evaluate-graph.ts";
import { runOnCpu } from "../numerics/run-on-cpu.ts";
import { randomArray } from "../numerics/seeded-random.ts";
import { float32GradientTolerance } from "../numerics/tolerances.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "visii-weights-"));
});
afterAll(() => rm(root, { recursive: true }));

test("a convolution and its gradient read one weight, plain and rotated, from the checkpoint's bytes", async () => {
  const shape = [3, 2, 3, 3];
  const data = randomArray(54, 1);
  const file = join(root, "unet.safetensors");
  await writeFile(file, encodeSafetensors({ "conv.weight": { shape, data } }));
  const { byteOffset, byteLength } = (await openSafetensors(file)).tensors.get("conv.weight")!;

  const graph = new GraphBuilder("convolution");
  const x = graph.input("x", "float32", [1, 2, 5, 4]);
  const w = graph.weight("conv.weight", { dtype: "float32", shape }, { file, byteOffset, byteLength });
  const y = graph.tanh(graph.conv(x, w, undefined, { stride: 1, pads: [1, 1, 1, 1], dilation: 1 }));
  const loss = graph.reshape(graph.reduceSum(graph.mul(y, y), [0, 1, 2, 3]), []);
  graph.output("loss", loss);
  graph.output("dx", gradient(graph, loss, [x])[0]!);

  const feeds = feedsOf(graph.build());
  const expected = evaluateGraph(graph.build(), feeds, () => data);
  const actual = await runOnCpu(graph.build(), feeds, root);
  expect(deviation(actual.loss!, expected.loss!.data)).toBeLessThan(float32GradientTolerance);
  expect(deviation(actual.dx!, expected.dx!.data)).toBeLessThan(float32GradientTolerance);
});
