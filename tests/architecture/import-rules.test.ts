import { describe, expect, test } from "vitest";
import { circles } from "./import-cycles.ts";
import { importsOf, sourceFiles } from "./source-files.ts";
import { trespasses } from "./violations.ts";

const files = sourceFiles();

test("nobody trespasses", () => {
  expect(trespasses(files)).toEqual([]);
});

test("nothing imports itself by a way around", () => {
  expect(circles(files)).toEqual([]);
});

test("every relative import leads to a file", () => {
  const paths = new Set(files.map(({ path }) => path));
  const lost = files
    .filter(({ path }) => !path.startsWith("tests/architecture/"))
    .flatMap((file) =>
      importsOf(file)
        .filter(
          (imported) =>
            /\.(tsx?|js)$/.test(imported) && /^(?!.*\/dist\/).+\//.test(imported) && !paths.has(imported),
        )
        .map((imported) => `${file.path} imports ${imported}`),
    );
  expect(lost).toEqual([]);
});

test("the walk sees the code", () => {
  const seen = new Set(files.map(({ path }) => path.split("/").slice(0, 2).join("/")));
  expect([...seen]).toEqual(expect.arrayContaining(["engine/graph", "engine/networks", "shared/errors.ts"]));
  expect(importsOf(files.find(({ path }) => path === "engine/graph/encode-onnx.ts")!)).toEqual(
    expect.arrayContaining(["node:path", "@bufbuild/protobuf", "engine/errors.ts"]),
  );
});

describe("a trespass is found:", () => {
  test.each([
    [
      "a lower floor on a higher",
      "engine/networks/unet.ts",
      'import { a } from "../inversion/invert.ts";',
      "floor 2",
    ],
    [
      "a type taken from above",
      "shared/jobs.ts",
      'import type { A } from "../engine/graph/value.ts";',
      "floor 0",
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
      "models that know of gradients",
      "engine/networks/a.ts",
      'import { g } from "../autodiff/gradient.ts";',
      "autodiff",
    ],
    [
      "derivatives outside the inversion",
      "engine/editing/a.ts",
      'import { g } from "../autodiff/gradient.ts";',
      "open only to",
    ],
    [
      "an edge that reaches the worker",
      "functions/a.ts",
      'import { g } from "../engine/graph/value.ts";',
      "must not reach",
    ],
    [
      "resources that reach for what runs on them",
      "infra/a.ts",
      'import { c } from "../gpu-worker/config.ts";',
      "must not reach",
    ],
    [
      "an engine reached by its name",
      "functions/a.ts",
      'import { g } from "visii-engine/graph";',
      "must not reach engine/",
    ],
    ["a product that imports its tests", "cli/a.ts", 'import { a } from "../tests/a.ts";', "tests/"],
    ["the environment read inside", "engine/images/a.ts", "const x = process.env.HOME;", "process.env"],
    ["a folder without a floor", "engine/misc-things/a.ts", "", "no floor"],
    ["a file that means nothing", "cli/utils.ts", "", "nothing in particular"],
    ["a name in camels", "cli/progressBar.ts", "", "kebab-case"],
    ["a file too long", "cli/a.ts", "\n".repeat(500), "501 lines"],
    ["a hole in the types", "cli/a.ts", "const x: any = 1;", "says any"],
  ])("%s", (_, path, text, sentence) => {
    expect(trespasses([{ path, text }]).join("\n")).toContain(sentence);
  });

  test("an arrow around a corner", () => {
    const around = [
      { path: "gpu-worker/queue/loop.ts", text: 'import { e } from "../../engine/editing/edit.ts";' },
      { path: "engine/editing/edit.ts", text: 'import { s } from "../runtime/session.ts";' },
    ];
    expect(trespasses(around)).toEqual([
      "gpu-worker/queue/loop.ts → engine/editing/edit.ts → engine/runtime/session.ts: gpu-worker/queue/ must not reach engine/runtime/",
    ]);
  });

  test("none in a comment or in a word", () => {
    const text = '// import "sharp" and process.env\n/* const x: any */\nconst company = 1;';
    expect(trespasses([{ path: "cli/a.ts", text }])).toEqual([]);
  });
});

describe("a circle is found:", () => {
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
      "of files, one way by a type alone",
      [
        ["cli/c.ts", 'import { a } from "./a.ts";'],
        ["cli/a.ts", 'import type { B } from "./b.ts";'],
        ["cli/b.ts", 'export type B = import("./c.ts").C;'],
      ],
      ["cli/a.ts → cli/b.ts → cli/c.ts → cli/a.ts"],
    ],
    [
      "of folders whose files have none",
      [
        ["engine/lut/a.ts", 'import { b } from "../weights/b.ts";'],
        ["engine/weights/c.ts", 'export type { D } from "../lut/d.ts";'],
        ["engine/lut/d.ts", ""],
        ["engine/weights/b.ts", ""],
      ],
      ["engine/lut/ → engine/weights/ → engine/lut/"],
    ],
    [
      "of a file and a folder beside it",
      [
        ["cli/a.ts", 'import { b } from "./remote/b.ts";'],
        ["cli/remote/b.ts", ""],
        ["cli/remote/c.ts", 'import { a } from "../a.ts";'],
      ],
      ["cli/a.ts → cli/remote/ → cli/a.ts"],
    ],
    [
      "none where files above and below a folder use it and serve it",
      [
        ["engine/index.ts", 'import { a } from "./lut/a.ts";'],
        ["engine/lut/a.ts", 'import { e } from "../errors.ts";'],
        ["engine/errors.ts", ""],
      ],
      [],
    ],
  ] as const)("%s", (_, planted, found) => {
    expect(circles(planted.map(([path, text]) => ({ path, text })))).toEqual(found);
  });
});
