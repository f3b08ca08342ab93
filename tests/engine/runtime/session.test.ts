import { describe, expect, test } from "vitest";
import { GraphBuilder } from "../../../engine/graph/graph-builder.ts";
import { optimize } from "../../../engine/rewrite/optimize.ts";
import { Session } from "../../../engine/runtime/session.ts";
import { VisibleError } from "../../../shared/errors.ts";

const cpu = { device: "cpu", threads: 1, root: "/" } as const;

function rowsOf() {
  const graph = new GraphBuilder("rows");
  const table = graph.input("table", "float32", [3, 2]);
  graph.output("y", graph.gather(table, graph.input("ids", "int64", [2])));
  return graph.build();
}

describe("a session", () => {
  test("runs repeatedly, and does not overwrite earlier results", async () => {
    const session = await Session.create(optimize(rowsOf()), cpu);
    const table = Float32Array.of(1, 2, 3, 4, 5, 6);
    const first = await session.run({ table, ids: BigInt64Array.of(2n, 0n) });
    const second = await session.run({ table, ids: BigInt64Array.of(1n, 1n) });
    expect([[...first.y!], [...second.y!]]).toEqual([
      [5, 6, 1, 2],
      [3, 4, 3, 4],
    ]);
    await session.dispose();
  });

  test.each([
    ["a missing input", {}, "input table [3, 2] needs 6 elements, got none"],
    ["too few elements", { table: new Float32Array(5) }, "input table [3, 2] needs 6 elements, got 5"],
    ["the wrong type", { table: new BigInt64Array(6) }, "input table is float32, but got a BigInt64Array"],
  ])("rejects %s, naming graph and input", async (_, feeds, message) => {
    const session = await Session.create(optimize(rowsOf()), cpu);
    await expect(session.run({ ids: BigInt64Array.of(0n, 1n), ...feeds })).rejects.toThrow(
      `internal: graph rows: ${message}`,
    );
    await session.dispose();
  });

  test.each(["cuda", "cuda:1"] as const)(
    "on an unavailable device (%s) is rejected with a clear message, without a fallback",
    async (device) => {
      const attempt = Session.create(optimize(rowsOf()), { ...cpu, device });
      await expect(attempt).rejects.toThrow(VisibleError);
      await expect(attempt).rejects.toMatchObject({ code: "device_unavailable" });
      await expect(attempt).rejects.toThrow(`Device ${device} is not available: `);
      await expect(attempt).rejects.toThrow("Or use --device cpu");
    },
  );

  test("that needs too much memory fails with a message, and the process continues", async () => {
    const graph = new GraphBuilder("huge");
    const x = graph.input("x", "float32", [1, 1]);
    // 16 TiB: no system allocates that much.
    const side = 2 ** 21;
    const total = graph.reduceSum(graph.exp(graph.expand(x, [side, side])), [0, 1]);
    graph.output("y", total);
    const session = await Session.create(optimize(graph.build()), cpu);
    await expect(session.run({ x: Float32Array.of(1) })).rejects.toMatchObject({
      code: "not_enough_memory",
      message: expect.stringMatching(/^This machine is out of memory \(huge\); use a smaller/),
    });
    await session.dispose();
  });

  test("names the missing weight file", async () => {
    const graph = new GraphBuilder("weights");
    const source = { file: "/nowhere/unet.safetensors", byteOffset: 0, byteLength: 8 };
    graph.output("y", graph.exp(graph.weight("w", { dtype: "float32", shape: [2] }, source)));
    await expect(Session.create(optimize(graph.build()), cpu)).rejects.toThrow(
      /weights does not load.*unet\.safetensors/s,
    );
  });
});
