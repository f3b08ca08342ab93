import { describe, expect, test } from "vitest";
import { importCycles } from "./import-cycles.ts";
import { importsOf, sourceFiles } from "./source-files.ts";
import { unusedExports } from "./unused-exports.ts";
import { violations } from "./violations.ts";

const files = sourceFiles();

test("no file violates a rule", () => {
  expect(violations(files)).toEqual([]);
});

test("no imports form a cycle", () => {
  expect(importCycles(files)).toEqual([]);
});

test("every exported name is imported somewhere", () => {
  expect(unusedExports(files)).toEqual([]);
});

test("an exported name that only its own file uses is reported", () => {
  const sources = [
    { path: "cli/a.ts", text: "export const first = 1;\nexport const b = first;\nexport type C = typeof b;" },
    { path: "cli/b.ts", text: 'import type { C } from "./a.ts"; // first' },
    { path: "cli/c.ts", text: 'import { b } from "./a.ts";' },
  ];
  expect(unusedExports(sources)).toEqual(["cli/a.ts exports first, which no other file imports"]);
});

test("every relative import resolves to a file", () => {
  const paths = new Set(files.map(({ path }) => path));
  const unresolved = files
    .filter(({ path }) => !path.startsWith("tests/architecture/"))
    .flatMap((file) =>
      importsOf(file)
        .filter(
          (imported) =>
            /\.(tsx?|js)$/.test(imported) && /^(?!.*\/dist\/).+\//.test(imported) && !paths.has(imported),
        )
        .map((imported) => `${file.path} imports ${imported}`),
    );
  expect(unresolved).toEqual([]);
});

test("the search finds the source files and their imports", () => {
  const found = new Set(files.map(({ path }) => path.split("/").slice(0, 2).join("/")));
  expect([...found]).toEqual(expect.arrayContaining(["engine/graph", "engine/networks", "shared/errors.ts"]));
  expect(importsOf(files.find(({ path }) => path === "engine/graph/encode-onnx.ts")!)).toEqual(
    expect.arrayContaining(["node:path", "@bufbuild/protobuf", "engine/errors.ts"]),
  );
});

describe("reports", () => {
  test.each([
    [
      "a layer that imports a higher one",
      "engine/networks/unet.ts",
      'import { a } from "../inversion/invert.ts";',
      "layer 2",
    ],
    [
      "a type imported from a higher layer",
      "shared/jobs.ts",
      'import type { A } from "../engine/graph/value.ts";',
      "layer 0",
    ],
    [
      "onnxruntime outside the runtime",
      "cli/bin.ts",
      'import * as ort from "onnxruntime-node";',
      "onnxruntime-node",
    ],
    ["protobuf outside the encoder", "engine/graph/a.ts", 'import "@bufbuild/protobuf/wire";', "@bufbuild"],
    ["sharp in the command line", "cli/a.ts", 'const sharp = await import("sharp");', "sharp"],
    [
      "networks that import autodiff",
      "engine/networks/a.ts",
      'import { g } from "../autodiff/gradient.ts";',
      "autodiff",
    ],
    [
      "autodiff outside the inversion",
      "engine/editing/a.ts",
      'import { g } from "../autodiff/gradient.ts";',
      "which only engine/inversion/ and",
    ],
    [
      "the API importing the engine",
      "functions/a.ts",
      'import { g } from "../engine/graph/value.ts";',
      "must not reach",
    ],
    [
      "infrastructure importing the worker",
      "infra/a.ts",
      'import { c } from "../gpu-worker/config.ts";',
      "must not reach",
    ],
    [
      "the engine imported by its package name",
      "functions/a.ts",
      'import { g } from "visii-engine/graph";',
      "must not reach engine/",
    ],
    ["product code importing tests", "cli/a.ts", 'import { a } from "../tests/a.ts";', "tests/"],
    [
      "process.env outside an entry point",
      "engine/images/a.ts",
      "const x = process.env.HOME;",
      "process.env",
    ],
    ["a folder without a layer", "engine/misc-things/a.ts", "", "no layer"],
    ["a vague file name", "cli/utils.ts", "", "says nothing"],
    ["a file name in camel case", "cli/progressBar.ts", "", "kebab-case"],
    ["a file that is too long", "cli/a.ts", "\n".repeat(500), "501 lines"],
    ["the type any", "cli/a.ts", "const x: any = 1;", "has the type any"],
  ])("%s", (_, path, text, message) => {
    expect(violations([{ path, text }]).join("\n")).toContain(message);
  });

  test("a forbidden import through another file", () => {
    const files = [
      { path: "gpu-worker/queue/loop.ts", text: 'import { e } from "../../engine/editing/edit.ts";' },
      { path: "engine/editing/edit.ts", text: 'import { s } from "../runtime/session.ts";' },
    ];
    expect(violations(files)).toEqual([
      "gpu-worker/queue/loop.ts → engine/editing/edit.ts → engine/runtime/session.ts: gpu-worker/queue/ must not reach engine/runtime/",
    ]);
  });

  test("nothing for words in comments or inside other words", () => {
    const text = '// import "sharp" and process.env\n/* const x: any */\nconst company = 1;';
    expect(violations([{ path: "cli/a.ts", text }])).toEqual([]);
  });
});

describe("finds a cycle", () => {
  test.each([
    [
      "of two files",
      [
        ["cli/a.ts", 'import { b } from "./b.ts";'],
        ["cli/b.ts", 'import { a } from "./a.ts";'],
      ],
      ["cli/a.ts → cli/b.ts → cli/a.ts"],
    ],
    [
      "of files, where one import is of a type",
      [
        ["cli/c.ts", 'import { a } from "./a.ts";'],
        ["cli/a.ts", 'import type { B } from "./b.ts";'],
        ["cli/b.ts", 'export type B = import("./c.ts").C;'],
      ],
      ["cli/a.ts → cli/b.ts → cli/c.ts → cli/a.ts"],
    ],
    [
      "of folders without a cycle of files",
      [
        ["engine/lut/a.ts", 'import { b } from "../weights/b.ts";'],
        ["engine/weights/c.ts", 'export type { D } from "../lut/d.ts";'],
        ["engine/lut/d.ts", ""],
        ["engine/weights/b.ts", ""],
      ],
      ["engine/lut/ → engine/weights/ → engine/lut/"],
    ],
    [
      "of a file and a subfolder",
      [
        ["cli/a.ts", 'import { b } from "./remote/b.ts";'],
        ["cli/remote/b.ts", ""],
        ["cli/remote/c.ts", 'import { a } from "../a.ts";'],
      ],
      ["cli/a.ts → cli/remote/ → cli/a.ts"],
    ],
    [
      "nowhere if a folder lies between files that it imports and files that import it",
      [
        ["engine/index.ts", 'import { a } from "./lut/a.ts";'],
        ["engine/lut/a.ts", 'import { e } from "../errors.ts";'],
        ["engine/errors.ts", ""],
      ],
      [],
    ],
  ] as const)("%s", (_, sources, cycles) => {
    expect(importCycles(sources.map(([path, text]) => ({ path, text })))).toEqual(cycles);
  });
});
