import { expect, test } from "vitest";
import { errorCodes } from "../../shared/error-codes.ts";
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
