import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as engine from "../../engine/index.ts";
import { docExamples } from "./doc-examples.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** Building, packing and installing take a minute on an idle machine. */
const patient = 1_200_000;
const run = promisify(execFile);
let project: string;

const strict = {
  target: "es2023",
  module: "nodenext",
  strict: true,
  skipLibCheck: false,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
};

/** A project with nothing in it but the three packages as they would be published. */
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), "visii-packed-"));
  await run("npm", ["run", "build"], { cwd: root });
  await run("npm", ["pack", "--workspaces", "--pack-destination", project], { cwd: root });
  const tarballs = (await readdir(project)).filter((name) => name.endsWith(".tgz"));
  expect(tarballs).toHaveLength(3);
  const { devDependencies } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  await writeFile(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const nodeTypes = `@types/node@${devDependencies["@types/node"]}`;
  await run(
    "npm",
    [
      "install",
      "--prefer-offline",
      "--ignore-scripts",
      "--no-audit",
      "--no-fund",
      nodeTypes,
      ...tarballs.map((name) => `./${name}`),
    ],
    { cwd: project },
  );
  for (const [from, to] of [
    ["before.jpg", "before.jpg"],
    ["after.png", "after.jpg"],
    ["flower.jpg", "photo.jpg"],
  ] as const)
    await copyFile(join(root, "demo", from), join(project, to));
}, patient);
afterAll(() => rm(project, { recursive: true, force: true }));

async function compile(files: readonly string[], options: object = {}): Promise<void> {
  const config = { compilerOptions: { ...strict, ...options }, files };
  await writeFile(join(project, "tsconfig.json"), JSON.stringify(config));
  await run(join(root, "node_modules/.bin/tsc"), ["-p", project]).catch(({ stdout }) => {
    throw new Error(stdout);
  });
}

/** An example as a program: what it does not import or open for itself is there. */
function programOf(code: string): string {
  if (/^import /m.test(code)) return code;
  const names = Object.keys(engine).filter((name) => new RegExp(`\\b${name}\\b`).test(code));
  const opens = /\bpipeline\b/.test(code);
  const imported = [...new Set([...names, ...(opens ? ["bundledModel", "openPipeline"] : [])])];
  return [
    `import { ${imported.join(", ")} } from "visii-engine";`,
    ...(opens ? ['const pipeline = await openPipeline(bundledModel, { device: "cpu" });'] : []),
    code,
    ...(opens ? ["await pipeline.dispose();"] : []),
  ].join("\n");
}

describe("the packages, as published", () => {
  it("have an example for every function of the engine's face", () => {
    const functions = Object.entries(engine)
      .filter(([name, value]) => typeof value === "function" && /^[a-z]/.test(name))
      .map(([name]) => name);
    expect([...docExamples().keys()]).toEqual(expect.arrayContaining(["index", "gradient", ...functions]));
  });

  it(
    "satisfy a strict compiler, dependencies included, with programs that run: the examples of the docstrings",
    async () => {
      await mkdir(join(project, "examples"));
      const examples = docExamples();
      const paths = [...examples.keys()].map((name) => `examples/${name}.ts`);
      for (const [name, code] of examples)
        await writeFile(join(project, "examples", `${name}.ts`), programOf(code));
      await compile(paths, { types: ["node"], rootDir: "examples", outDir: "out" });
      // The one of `learn` writes the file that others read.
      const learnFirst = [...examples.keys()].sort((a, b) => Number(b === "learn") - Number(a === "learn"));
      for (const name of learnFirst)
        await run(process.execPath, [join("out", `${name}.js`)], { cwd: project });
      const { stdout } = await run(process.execPath, [join("out", "gradient.js")], { cwd: project });
      expect(stdout).toMatch(/loss: Float32Array\(1\) \[ 14 \],?\s+dx: Float32Array\(3\) \[ 2, 4, 6 \]/);
      expect((await engine.decodeImage(join(project, "edited.png"))).format).toBe("png");
    },
    patient,
  );

  it(
    "bring the command, with its model and its photos",
    async () => {
      const { stdout } = await run(
        "npx",
        ["--no-install", "visii", "demo", "--steps", "2", "--out", "demo", "--json"],
        { cwd: project },
      );
      expect(JSON.parse(stdout)).toMatchObject({ out: "demo", seed: expect.any(Number) });
      expect(await readdir(join(project, "demo"))).toEqual(
        expect.arrayContaining(["learned.visii", "report.json", "sheet.png"]),
      );
    },
    patient,
  );

  it(
    "bring a client that a browser can load, and whose types need no Node",
    async () => {
      const program = join(project, "browser.ts");
      const code =
        'import { type Visii, visii } from "visii-client";\nexport const api: Visii = visii({ baseUrl: location.origin, key: "k" });\n';
      await writeFile(program, code);
      await compile(["browser.ts"], { types: [], lib: ["es2023", "dom", "dom.iterable"], noEmit: true });
      const { metafile } = await build({
        entryPoints: [program],
        absWorkingDir: project,
        ...{ bundle: true, platform: "browser", format: "esm", metafile: true, write: false },
      });
      const inputs = Object.keys(metafile.inputs).filter((path) => path !== "browser.ts");
      const allowed = /^node_modules\/(visii-client\/dist\/client|eventsource-parser\/dist)\//;
      expect(inputs.filter((path) => !allowed.test(path))).toEqual([]);
      expect(inputs.length).toBeGreaterThan(3);
    },
    patient,
  );
});
