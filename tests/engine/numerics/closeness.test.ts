import { describe, expect, test } from "vitest";
import { centralDifference } from "./central-difference.ts";
import { deviation } from "./closeness.ts";
import { erf, roundToHalf } from "./reference/special-functions.ts";
import { differenceTolerance, float32Tolerance } from "./tolerances.ts";

describe("the closeness measure can fail", () => {
  test("an error of 1e-5 of the largest element exceeds the float32 tolerance", () => {
    expect(deviation([1, 2 + 2e-5], [1, 2])).toBeGreaterThan(float32Tolerance);
    expect(deviation([1, 2 + 1e-7], [1, 2])).toBeLessThan(float32Tolerance);
  });
  test("a NaN is infinitely far", () => {
    expect(deviation([Number.NaN, 2], [1, 2])).toBe(Number.POSITIVE_INFINITY);
    expect(deviation([1, 2], [Number.NaN, 2])).toBe(Number.POSITIVE_INFINITY);
  });
  test("a wrong number of elements is infinitely far", () => {
    expect(deviation([1], [1, 2])).toBe(Number.POSITIVE_INFINITY);
  });
  test("any other value is far from zero", () => {
    expect(deviation([1e-9], [0])).toBeGreaterThan(float32Tolerance);
  });
});

test("a central difference finds the derivative of x³ and not of 1.001·x³", () => {
  const derivative = centralDifference(([x]) => x! ** 3, [2]);
  expect(deviation(derivative, [12])).toBeLessThan(differenceTolerance);
  expect(deviation(derivative, [12.012])).toBeGreaterThan(differenceTolerance);
});

test("the reference's error function has the tabulated values (DLMF 7.23)", () => {
  expect(erf(0.5)).toBeCloseTo(0.5204998778130465, 15);
  expect(erf(1)).toBeCloseTo(0.8427007929497149, 15);
  expect(erf(-2)).toBeCloseTo(-0.9953222650189527, 15);
  expect(erf(9)).toBe(1);
  expect(erf(0)).toBe(0);
});

test("the reference rounds to half precision as IEEE 754 does", () => {
  expect(roundToHalf(1 + 2 ** -11)).toBe(1);
  expect(roundToHalf(1 + 3 * 2 ** -11)).toBe(1 + 2 ** -9);
  expect(roundToHalf(-0.1)).toBe(-0.0999755859375);
  expect(roundToHalf(65504)).toBe(65504);
  expect(roundToHalf(65520)).toBe(Number.POSITIVE_INFINITY);
  expect(roundToHalf(2 ** -24)).toBe(2 ** -24);
  expect(roundToHalf(2 ** -25)).toBe(0);
});
