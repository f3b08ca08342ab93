import { expect } from "vitest";
import type { Graph } from "../../../engine/graph/graph.ts";
import { deviation } from "../numerics/closeness.ts";
import { feedsOf } from "../numerics/expect-gradient.ts";
import { evaluateGraph } from "../numerics/reference/evaluate-graph.ts";

/** Two float64 evaluations of the same mathematics: only the order of roundings may differ. */
const reorderedTolerance = 1e-12;

/** Compares a rewritten graph's results with the original's in float64, on the same seeded inputs. */
export function expectSameMeaning(rewritten: Graph, original: Graph): void {
  const feeds = feedsOf(original);
  const expected = evaluateGraph(original, feeds);
  const actual = evaluateGraph(rewritten, feeds);
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, { data }] of Object.entries(expected))
    expect(deviation(actual[name]!.data, data), name).toBeLessThan(reorderedTolerance);
}

/** Counts the occurrences of each operator. */
export function countOperators(graph: Graph): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { op } of graph.nodes) counts[op] = (counts[op] ?? 0) + 1;
  return counts;
}
