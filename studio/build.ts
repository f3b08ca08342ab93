import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const demo = fileURLToPath(new URL("../demo/", import.meta.url));
/** Output folder, next to the edge's entry points, which serve it. */
const served = fileURLToPath(new URL("../functions/studio/", import.meta.url));

const copied = {
  "index.html": join(here, "index.html"),
  "icon.svg": join(here, "icon.svg"),
  ...Object.fromEntries(
    ["before.jpg", "after.png", "flower.jpg", "coffee.jpg", "mountain.jpg"].map((name) => [
      `example/${name}`,
      join(demo, name),
    ]),
  ),
};

const entries = Object.entries({
  "main.tsx": "studio",
  "styles/studio.css": "studio",
  "reference.ts": "reference",
  "styles/reference.css": "reference",
}).map(([file, out]) => ({ in: join(here, file), out }));

/** Bundles the studio and the API reference into functions/studio/. Unchanged files are not written. */
export async function buildStudio(): Promise<void> {
  const { outputFiles } = await build({
    ...{ entryPoints: entries, outdir: served, write: false },
    ...{ bundle: true, minify: true, format: "esm", target: ["es2022", "safari17.5"], legalComments: "none" },
    ...{ jsx: "automatic", jsxImportSource: "preact", logLevel: "error" },
  });
  for (const { path, contents } of outputFiles) await place(path, contents);
  for (const [name, from] of Object.entries(copied)) await place(join(served, name), await readFile(from));
}

/** Written to a temporary file and renamed, because another process may be reading. */
async function place(path: string, contents: Uint8Array): Promise<void> {
  const before = await readFile(path).catch(() => undefined);
  if (before?.equals(contents)) return;
  await mkdir(dirname(path), { recursive: true });
  const aside = `${path}.${process.pid}`;
  await writeFile(aside, contents);
  await rename(aside, path);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildStudio();
