import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as engine from "../../engine/index.ts";
import { withoutComments } from "../architecture/source-files.ts";
import { docExamples } from "./doc-examples.ts";
import { findNodes, testedNodes } from "./find-nodes.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** Milliseconds. Building, packing and installing take a minute on an idle machine. */
const timeout = 1_200_000;
const run = promisify(execFile);
const nodes = findNodes();
let project: string;

const strict = {
  target: "es2023",
  module: "nodenext",
  strict: true,
  skipLibCheck: false,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
};

/** A project that contains only the three packages as published. */
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
}, timeout);
afterAll(() => rm(project, { recursive: true, force: true }));

async function compile(files: readonly string[], options: object = {}): Promise<void> {
  const config = { compilerOptions: { ...strict, ...options }, files };
  await writeFile(join(project, "tsconfig.json"), JSON.stringify(config));
  await run(join(root, "node_modules/.bin/tsc"), ["-p", project]).catch(({ stdout }) => {
    throw new Error(stdout);
  });
}

/** An example as a program, with the imports and files that it assumes. */
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

/** The compiled modules of an installed package, as paths like `shared/errors.js`. */
async function modulesOf(name: string): Promise<string[]> {
  const paths = await readdir(join(project, "node_modules", name, "dist"), { recursive: true });
  return paths.filter((path) => path.endsWith(".js"));
}

/**
 * What makes two copies of a module differ: `instanceof` fails for the other copy's class, a symbol or a
 * weak key is not found, and a variable has two values.
 */
const identity = /\bclass\b\s*[\w{]|\bSymbol\(|\bnew (Weak\w+|AsyncLocalStorage)\b|^(export )?let /m;

describe("the packages, as published", () => {
  it("share no module in two copies that compares by identity", async () => {
    const packages = ["visii", "visii-client", "visii-engine"];
    const owners = new Map<string, string[]>();
    for (const name of packages)
      for (const path of await modulesOf(name)) owners.set(path, [...(owners.get(path) ?? []), name]);
    expect(owners.get("shared/errors.js")).toEqual(["visii-engine"]);
    const copied = [...owners].filter(([, names]) => names.length > 1);
    expect(copied.map(([path]) => path)).toContain("shared/defined.js");
    const unsafe = [];
    for (const [path, names] of copied) {
      const text = await readFile(join(project, "node_modules", names[0]!, "dist", path), "utf8");
      if (identity.test(withoutComments(text)))
        unsafe.push(
          `${path} is compiled into ${names.join(" and ")}; import it from one of them by its name`,
        );
    }
    expect(unsafe).toEqual([]);
  });

  it("have an example for every function of the engine's public API", () => {
    const functions = Object.entries(engine)
      .filter(([name, value]) => typeof value === "function" && /^[a-z]/.test(name))
      .map(([name]) => name);
    expect([...docExamples().keys()]).toEqual(expect.arrayContaining(["index", "gradient", ...functions]));
  });

  it(
    "type-check strictly, dependencies included, and run the examples of the docstrings",
    async () => {
      await mkdir(join(project, "examples"));
      const examples = docExamples();
      const paths = [...examples.keys()].map((name) => `examples/${name}.ts`);
      for (const [name, code] of examples)
        await writeFile(join(project, "examples", `${name}.ts`), programOf(code));
      await compile(paths, { types: ["node"], rootDir: "examples", outDir: "out" });
      // The example of `learn` writes the file that others read.
      const learnFirst = [...examples.keys()].sort((a, b) => Number(b === "learn") - Number(a === "learn"));
      for (const name of learnFirst)
        await run(process.execPath, [join("out", `${name}.js`)], { cwd: project });
      const { stdout } = await run(process.execPath, [join("out", "gradient.js")], { cwd: project });
      expect(stdout).toMatch(/loss: Float32Array\(1\) \[ 14 \],?\s+dx: Float32Array\(3\) \[ 2, 4, 6 \]/);
      expect((await engine.decodeImage(join(project, "edited.png"))).format).toBe("png");
    },
    timeout,
  );

  it(
    "install the command, with its model and its photos",
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
    timeout,
  );

  describe.each(testedNodes)("on Node %i", (major) => {
    const node = nodes.get(major);
    if (!node)
      console.warn(`Skipped: Node ${major} was not found. Run .ci/nodes, or list its path in VISII_NODES.`);
    const options = { skip: !node, timeout };
    const visii = (...words: string[]) =>
      run(node!, ["node_modules/visii/bin.js", ...words], { cwd: project });

    it("learn an edit and apply it", options, async () => {
      const [instruction, out] = [`on-${major}.visii`, `edited-${major}`];
      await visii("learn", "--pair", "before.jpg", "after.jpg", "--steps", "2", "--out", instruction);
      await visii("apply", instruction, "photo.jpg", "--steps", "1", "--out", out);
      expect(
        (await engine.readInstruction(join(project, instruction))).info.counts.unetBackwards,
      ).toBeGreaterThan(0);
      expect((await engine.decodeImage(join(project, out, "photo.jpg"))).format).toBe("jpeg");
    });

    it("report an error of the engine with its message and exit code", options, async () => {
      const failed = visii("learn", "--pair", "before.jpg", "absent.jpg", "--out", "never.visii");
      await expect(failed).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^visii: File absent\.jpg/m),
      });
    });

    it("run a program that imports the packages", options, async () => {
      const program = [
        'import assert from "node:assert";',
        'import { gradient } from "visii-engine/autodiff";',
        'import { visii } from "visii-client";',
        'import { WebhookError, verifyWebhook } from "visii-client/webhooks";',
        'import { decodeInstruction, VisibleError } from "visii-engine";',
        'import { VisibleError as same } from "visii-engine/errors";',
        'assert.equal(typeof gradient, "function");',
        'assert.equal(typeof visii({ baseUrl: "http://127.0.0.1", key: "k" }).edits.create, "function");',
        'assert.throws(() => verifyWebhook("whsec_AAAA", {}, "{}", 0), WebhookError);',
        "assert.throws(() => decodeInstruction(Uint8Array.of(1)), VisibleError);",
        "assert.equal(same, VisibleError);",
        "console.log(process.version);",
      ].join("\n");
      await writeFile(join(project, `on-${major}.mjs`), program);
      const { stdout } = await run(node!, [`on-${major}.mjs`], { cwd: project });
      expect(stdout).toMatch(`v${major}.`);
    });
  });

  it(
    "have a client that runs in browsers, with types that do not need Node's",
    async () => {
      const program = join(project, "browser.ts");
      const code =
        'import { type Visii, visii } from "visii-client";\nexport const api: Visii = visii({ baseUrl: location.origin, key: "k" });\n';
      await writeFile(program, code);
      await compile(["browser.ts"], { types: [], lib: ["es2023", "dom", "dom.iterable"], noEmit: true });
      const { metafile } = await build({
        entryPoints: [program],
        absWorkingDir: project,
        bundle: true,
        platform: "browser",
        format: "esm",
        metafile: true,
        write: false,
      });
      const inputs = Object.keys(metafile.inputs).filter((path) => path !== "browser.ts");
      const allowed = /^node_modules\/(visii-client\/dist\/client|eventsource-parser\/dist)\//;
      expect(inputs.filter((path) => !allowed.test(path))).toEqual([]);
      expect(inputs.length).toBeGreaterThan(3);
    },
    timeout,
  );
});
