import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { Graph } from "../../../engine/graph/graph.ts";
import { GraphBuilder } from "../../../engine/graph/graph-builder.ts";
import type { FloatType } from "../../../engine/graph/value.ts";
import { ModelCache } from "../../../engine/model-cache/model-cache.ts";
import { multiHeadAttention } from "../../../engine/networks/attention.ts";
import { SessionCache } from "../../../engine/pipeline/session-cache.ts";
import { TestedRewrites } from "../../../engine/pipeline/tested-rewrites.ts";
import { cudaRewrites, type DeviceRewrite } from "../../../engine/rewrite/cuda-rewrites.ts";
import { fusedAttention } from "../../../engine/rewrite/fuse-attention.ts";
import { optimize } from "../../../engine/rewrite/optimize.ts";
import { applyRules, isNode, rewriteRule } from "../../../engine/rewrite/rewrite-rule.ts";
import { Session } from "../../../engine/runtime/session.ts";
import { deviation } from "../numerics/closeness.ts";
import { feedsOf } from "../numerics/expect-gradient.ts";
import { runOnCpu } from "../numerics/run-on-cpu.ts";
import { countOperators } from "../rewrite/same-meaning.ts";

const cpu = { device: "cpu", threads: 1, root: "/" } as const;

/** GEGLU of SD's narrowest layer, then attention of a head width that every kernel takes. */
function blockOf(dtype: FloatType): Graph {
  const graph = new GraphBuilder("block");
  const x = graph.cast(graph.input("x", "float32", [1, 6, 2560]), dtype);
  const both = graph.add(
    x,
    graph.constant(
      Float32Array.from({ length: 2560 }, (_, i) => i / 2560),
      [2560],
      dtype,
    ),
  );
  const gate = graph.gelu(graph.slice(both, 2, 1280, 2560));
  const y = graph.mul(graph.slice(both, 2, 0, 1280), gate);
  const [q, k, v] = [0, 64, 128].map((start) => graph.slice(y, 2, start, start + 64)) as [
    typeof y,
    typeof y,
    typeof y,
  ];
  graph.output("y", graph.cast(multiHeadAttention(graph, q, k, v, 4), "float32"));
  return optimize(graph.build());
}

/** A rewrite whose rule is made wrong: what it writes is multiplied by 1.02. */
const offByTwoPercent: DeviceRewrite = {
  name: "wrong attention",
  rules: (graph) => {
    const right = fusedAttention(graph, "cuda");
    return [
      {
        name: right.name,
        attempt: (node, scene) => {
          const attempt = right.attempt(node, scene);
          return attempt && "write" in attempt
            ? { write: (builder) => builder.mul(attempt.write(builder), 1.02) }
            : attempt;
        },
      },
    ];
  },
};

/** A rewrite that leaves out an operand. */
const withoutBias: DeviceRewrite = {
  name: "forgotten bias",
  rules: () => [
    rewriteRule({
      name: "forgotten bias",
      pattern: (node) => (isNode(node, "Add") ? node : null),
      check: () => null,
      rewrite: ({ inputs: [x] }, graph) => graph.mul(x!, 1),
    }),
  ],
};

const [attention, biasSplitGelu, channelsLast] = cudaRewrites as [
  DeviceRewrite,
  DeviceRewrite,
  DeviceRewrite,
];

describe.each(["float32", "float16"] as const)("on a CPU in %s", (dtype) => {
  test("a rewrite that agrees is used", async () => {
    const lines: string[] = [];
    const tested = new TestedRewrites(cpu, (line) => lines.push(line));
    const rewritten = await tested.apply(optimize(blockOf(dtype)), [attention]);
    expect(countOperators(rewritten)).toMatchObject({ MultiHeadAttention: 1 });
    expect(countOperators(rewritten)).not.toHaveProperty("Softmax");
    expect([...tested.outcomes]).toEqual([["fused attention", null]]);
    expect(lines).toEqual([]);
  });

  test.each([
    ["computes something else", offByTwoPercent, "its results differ by 0.0"],
    ["leaves out an operand", withoutBias, "its results differ by 0."],
    ["has no kernel", biasSplitGelu, "BiasSplitGelu(1)"],
  ])("a rewrite that %s is left out, with a message", async (_, rewrite, reason) => {
    const lines: string[] = [];
    const tested = new TestedRewrites(cpu, (line) => lines.push(line));
    const graph = optimize(blockOf(dtype));
    expect(await tested.apply(graph, [rewrite])).toBe(graph);
    expect(await tested.apply(graph, [rewrite])).toBe(graph);
    expect(lines).toEqual([expect.stringContaining(reason)]);
    expect(lines[0]).toMatch(`Device cpu computes without the rewrite "${rewrite.name}": `);
    expect(tested.outcomes.get(rewrite.name)).toContain(reason);
  });
});

test("a comparison is made once for a device, and a failure again", async () => {
  const folder = await mkdtemp(join(tmpdir(), "visii-tested-rewrites-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const create = vi.spyOn(Session, "create");
  onTestFinished(() => create.mockRestore());
  const graph = optimize(blockOf("float32"));
  const sessionsOf = async (identity: string | undefined) => {
    create.mockClear();
    const cache = new ModelCache({ folder, note: expect.unreachable });
    const tested = new TestedRewrites(cpu, undefined, cache, async () => identity);
    const rewritten = await tested.apply(graph, [offByTwoPercent, attention, biasSplitGelu]);
    expect(countOperators(rewritten)).toMatchObject({ MultiHeadAttention: 1, Gelu: 1 });
    expect([...tested.outcomes.values()]).toEqual([
      expect.stringContaining("its results differ by 0.0"),
      null,
      expect.stringContaining("BiasSplitGelu(1)"),
    ]);
    return create.mock.calls.length;
  };
  expect(await sessionsOf("GPU A, driver 1")).toBe(3);
  expect(await sessionsOf("GPU A, driver 1")).toBe(1);
  expect(await sessionsOf("GPU A, driver 2")).toBe(3);
  expect(await sessionsOf(undefined)).toBe(3);
  for (const name of await readdir(join(folder, "results")))
    await writeFile(join(folder, "results", name), '{"text":"","check":""}');
  expect(await sessionsOf("GPU A, driver 1")).toBe(3);
  expect(await new ModelCache({ folder }).clear()).toBe(0);
  expect(await readdir(folder)).toEqual([]);
});

test("a rewrite without a use is not tested", async () => {
  const tested = new TestedRewrites(cpu, expect.unreachable);
  const graph = optimize(blockOf("float32"));
  expect(await tested.apply(graph, [channelsLast])).toBe(graph);
  expect([...tested.outcomes]).toEqual([]);
});

test("a session computes the same with rewrites that are used and left out", async () => {
  const graph = optimize(blockOf("float32"));
  const cache = new SessionCache(cpu);
  // The session's own fused attention is for CPUs and comes first, so only the others have a place.
  const session = await cache.get("block", () => graph, [withoutBias, ...cudaRewrites]);
  const feeds = feedsOf(graph);
  const { y } = await session.run(feeds);
  expect(deviation(y!, (await runOnCpu(graph, feeds)).y!)).toBeLessThan(1e-5);
  expect([...cache.rewrites.keys()]).toEqual(["forgotten bias", "BiasSplitGelu"]);
  await cache.clear();
  // With the wrong rewrite in use, the results would differ.
  const wrong = applyRules(graph, withoutBias.rules(graph)).graph;
  expect(deviation((await runOnCpu(wrong, feeds)).y!, y!)).toBeGreaterThan(0.01);
});
