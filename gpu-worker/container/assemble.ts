import { cp, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { build } from "esbuild";
import { type InstalledPackage, runtimeClosure } from "./closure.ts";

/** Packages that cannot be bundled: native code, and files that a thread loads by path. */
const native = ["onnxruntime-node", "sharp", "libheif-js"];
/** Dependencies that onnxruntime-node needs for its installation only. */
const installersOnly = new Set(["adm-zip", "global-agent"]);

/** Entry points by their names in the image. */
const entryPoints = {
  main: "gpu-worker/main.ts",
  /** Started by `main`. */
  child: "gpu-worker/compute/child.ts",
  /** Started by `main` for each image. */
  "decoder-child": "gpu-worker/compute/decoder-child.ts",
  "fetch-model": "gpu-worker/fetch-model.ts",
  smoke: "gpu-worker/smoke.ts",
} as const;

/**
 * Creates the folder of the worker's image: five bundles and the packages that cannot be bundled, for Linux
 * x64 only.
 *
 * @param root of the repository, with its packages installed
 * @param out an empty or absent folder
 * @returns the packages next to the bundles
 */
export async function assembleWorker(root: string, out: string): Promise<readonly InstalledPackage[]> {
  await mkdir(out, { recursive: true });
  await build({
    absWorkingDir: root,
    entryPoints: Object.entries(entryPoints).map(([name, path]) => ({ in: join(root, path), out: name })),
    outdir: out,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: false,
    platform: "node",
    target: "node22",
    format: "esm",
    minify: false,
    sourcemap: "linked",
    logLevel: "error",
    sourcesContent: false,
    mainFields: ["module", "main"],
    external: native,
    // CommonJS packages call `require`, which ES modules do not have.
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
  });
  // Files that the code reads at run time: the typeface and, for the smoke run, a model and a pair.
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
