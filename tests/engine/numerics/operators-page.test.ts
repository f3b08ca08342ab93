import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { operatorsPage } from "../../../docs/generate-operators.ts";

test("docs/operators.md is up to date (else: npm run docs)", () => {
  expect(readFileSync(new URL("../../../docs/operators.md", import.meta.url), "utf8")).toBe(operatorsPage());
});
