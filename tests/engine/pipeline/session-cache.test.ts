import { expect, it, vi } from "vitest";
import { GraphBuilder } from "../../../engine/graph/graph-builder.ts";
import { multiHeadAttention } from "../../../engine/networks/attention.ts";
import { SessionCache } from "../../../engine/pipeline/session-cache.ts";
import { optimize } from "../../../engine/rewrite/optimize.ts";
import { Session } from "../../../engine/runtime/session.ts";

function doubling(size: number) {
  const graph = new GraphBuilder("doubling");
  const x = graph.input("x", "float32", [size]);
  graph.output("y", graph.add(x, x));
  return optimize(graph.build());
}

it("compiles a key once, and again after many other keys", async () => {
  const cache = new SessionCache({ device: "cpu", root: "/" });
  let compiled = 0;
  const ask = (size: number) =>
    cache.get(`size ${size}`, () => {
      compiled += 1;
      return doubling(size);
    });
  const first = await ask(1);
  expect(await ask(1)).toBe(first);
  expect(compiled).toBe(1);
  for (let size = 2; size <= 30; size++) {
    await ask(size);
    expect(await ask(30)).toBe(await ask(30)); // kept, because it is used again and again
  }
  const again = await ask(1);
  expect(again).not.toBe(first);
  expect(await again.run({ x: Float32Array.of(3) })).toEqual({ y: Float32Array.of(6) });
  await cache.clear();
});

it.each([
  ["cpu", ["MultiHeadAttention"]],
  ["webgpu", expect.arrayContaining(["MatMul", "Softmax"])],
  ["cuda:1", expect.arrayContaining(["MatMul", "Softmax"])],
] as const)("on %s attention is compiled as %j", async (device, expected) => {
  const graph = new GraphBuilder("attention");
  const x = graph.input("x", "float32", [1, 6, 8]);
  graph.output("y", multiHeadAttention(graph, x, x, x, 2));
  const cache = new SessionCache({ device, root: "/" });
  const compiled: string[] = [];
  vi.spyOn(Session, "create").mockImplementationOnce(async ({ nodes }) => {
    compiled.push(...nodes.map(({ op }) => op));
    throw new Error("compiled");
  });
  await expect(cache.get("attention", () => optimize(graph.build()))).rejects.toThrow("compiled");
  expect(compiled).toEqual(expected);
});
