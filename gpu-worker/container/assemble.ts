import { cp, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { build } from "esbuild";
import { type InstalledPackage, runtimeClosure } from "./closure.ts";

/** Packages that no bundle can hold: machine code, and what a thread loads by its path. */
const native = ["onnxruntime-node", "sharp", "libheif-js"];
/** What onnxruntime-node needs to install itself, and nothing when it runs. */
const installersOnly = new Set(["adm-zip", "global-agent"]);

/** By their names in the image: what starts there. */
const entryPoints = {
  main: "gpu-worker/main.ts",
  /** Started by `main` beside itself. */
  child: "gpu-worker/compute/child.ts",
  "fetch-model": "gpu-worker/fetch-model.ts",
  smoke: "gpu-worker/smoke.ts",
} as const;

/**
 * Makes the folder that an image of the worker holds: four bundles, and beside them the packages that no bundle can hold, for
 * Linux on x64 alone.
 *
 * @param root of the repository, with its packages installed
 * @param out an empty or absent folder
 * @returns the packages beside the bundles
 */
export async function assembleWorker(root: string, out: string): Promise<readonly InstalledPackage[]> {
  await mkdir(out, { recursive: true });
  await build({
    absWorkingDir: root,
    entryPoints: Object.entries(entryPoints).map(([name, path]) => ({ in: join(root, path), out: name })),
    ...{ outdir: out, outExtension: { ".js": ".mjs" }, bundle: true, splitting: false },
    ...{
      platform: "node",
      target: "node22",
      format: "esm",
      minify: false,
      sourcemap: "linked",
      logLevel: "error",
    },
    sourcesContent: false,
    mainFields: ["module", "main"],
    external: native,
    // Packages written in CommonJS call `require`, which an ES module does not have.
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
  });
  // What code reads from beside itself: the typeface, and for the smoke run a model and a pair.
  await cp(join(root, "engine/images/typeface"), join(out, "typeface"), { recursive: true });
  for (const path of ["models/mini", "demo/before.jpg", "demo/after.png"])
    await cp(join(root, path), join(out, path), { recursive: true });
  await writeFile(join(out, "package.json"), `${JSON.stringify({ private: true, type: "module" })}\n`);
  const packages = await runtimeClosure(root, native, installersOnly);
  for (const { folder } of packages)
    await cp(folder, join(out, relative(root, folder)), { recursive: true, dereference: true });
  await keepOnly(join(out, "node_modules/onnxruntime-node/bin/napi-v6"), ["linux"]);
  await keepOnly(join(out, "node_modules/onnxruntime-node/bin/napi-v6/linux"), ["x64"]);
  return packages;
}

async function keepOnly(folder: string, names: readonly string[]): Promise<void> {
  for (const name of await readdir(folder))
    if (!names.includes(name)) await rm(join(folder, name), { recursive: true });
}
