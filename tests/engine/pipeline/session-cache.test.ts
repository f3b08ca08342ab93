import { expect, it } from "vitest";
import { GraphBuilder } from "../../../engine/graph/graph-builder.ts";
import { SessionCache } from "../../../engine/pipeline/session-cache.ts";
import { optimize } from "../../../engine/rewrite/optimize.ts";

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
