import { expect, test } from "vitest";
import { errorCodes } from "../../shared/error-codes.ts";
import { apiErrors } from "../../shared/problem.ts";
import { sourceFiles } from "./source-files.ts";

const product = sourceFiles().filter(({ path }) => !/^tests\/|^shared\/error-codes\.ts$/.test(path));

test("every code is used", () => {
  const text = product.map((file) => file.text).join("\n");
  expect(errorCodes.filter((code) => !text.includes(`"${code}"`) && !text.includes(`  ${code}: [`))).toEqual(
    [],
  );
});

test("codes are unique", () => {
  expect(errorCodes.length).toBe(new Set(errorCodes).size);
});

/** Codes that a file throws. */
const thrownIn = (text: string): string[] =>
  [...text.matchAll(/(?:\b(?:VisibleError|refuse)\(|\bproblemResponse\(context,|\bcode:)\s*"(\w+)"/g)].map(
    ([, code]) => code!,
  );

test("every code that the service throws is in the API's table, and every row of the table is thrown", () => {
  const service = product.filter(
    ({ path }) =>
      /^(functions|shared|gpu-worker\/(compute|queue))\//.test(path) &&
      !/^(functions\/admin|shared\/(aws\/published-model|problem|webhooks\/signing))\.ts$/.test(path),
  );
  const documented: readonly string[] = apiErrors.map(([code]) => code);
  const thrown = service.flatMap(({ path, text }) => thrownIn(text).map((code) => [code, path] as const));
  expect(new Set(thrown.map(([code]) => code)).size).toBeGreaterThan(30);
  // The compute process reports a canceled task to its worker only.
  expect(thrown.filter(([code]) => code !== "canceled" && !documented.includes(code))).toEqual([]);
  const everywhere = product
    .filter(({ path }) => path !== "shared/problem.ts")
    .map(({ text }) => text)
    .join("\n");
  expect(documented.filter((code) => !everywhere.includes(`"${code}"`))).toEqual([]);
});

test("comments name only codes that exist", () => {
  const named = product.flatMap(({ path, text }) =>
    [...text.matchAll(/@throws VisibleError ((?:`\w+`(?:, | and | or )?)+)/g)].flatMap(([, list]) =>
      [...list!.matchAll(/\w+(?=`)/g)].map(([code]) => `${path}: ${code}`),
    ),
  );
  expect(named.length).toBeGreaterThan(50);
  const known: ReadonlySet<string> = new Set(errorCodes);
  expect(named.filter((line) => !known.has(line.split(": ")[1]!))).toEqual([]);
});
