import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { forwardGraph, gradientGraph, type PreparedCase, preparedCases } from "./case-graph.ts";
import { deviation } from "./closeness.ts";
import { exportedCases } from "./exported-cases.ts";
import { runOnCpu } from "./run-on-cpu.ts";
import { float32GradientTolerance, float32Tolerance } from "./tolerances.ts";

interface Fixture {
  readonly torch: string;
  readonly casesSha256: string;
  /** By case title, then by y0 …, dx0 …: base64 of little-endian float32. */
  readonly cases: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const path = new URL("../../fixtures/operators.json", import.meta.url);
const fixture = JSON.parse(readFileSync(path, "utf8")) as Fixture;
const titled = (cases: readonly PreparedCase[]) =>
  cases.map((prepared) => [prepared.title, prepared] as const);

test("the torch fixture was made from these cases (else: python tests/oracle/operators.py)", () => {
  expect(fixture.casesSha256).toBe(createHash("sha256").update(exportedCases()).digest("hex"));
});

describe(`onnxruntime computes what torch ${fixture.torch} computes`, () => {
  test.each(titled(preparedCases))("%s", async (_, prepared) => {
    const actual = await runOnCpu(forwardGraph(prepared), prepared.feeds);
    for (const [name, y] of Object.entries(actual))
      expect(deviation(y, expected(prepared, name)), name).toBeLessThan(float32Tolerance);
  });
});

describe("the derivative graph on onnxruntime gives torch autograd's gradients", () => {
  const smooth = preparedCases.filter(({ differentiable }) => differentiable.length > 0);
  test.each(titled(smooth))("%s", async (_, prepared) => {
    const actual = await runOnCpu(gradientGraph(prepared), prepared.feeds);
    expect(Object.keys(actual)).toEqual(prepared.differentiable.map((name) => `d${name}`));
    for (const [name, dx] of Object.entries(actual))
      expect(deviation(dx, expected(prepared, name)), name).toBeLessThan(float32GradientTolerance);
  });
});

function expected({ title }: PreparedCase, name: string): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(fixture.cases[title]?.[name] ?? "", "base64"));
  return new Float32Array(bytes.buffer);
}
