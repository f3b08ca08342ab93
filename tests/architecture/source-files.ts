import { readdirSync, readFileSync } from "node:fs";
import { dirname, posix } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const ignored = [
  "node_modules",
  ".git",
  "out",
  "models",
  "coverage",
  "functions/studio",
  ".sst",
  ".cache",
  ".vite",
];

/** Generated folders, at any depth. */
const built = new Set(["node_modules", "dist"]);

/** A source file: its path from the root, with forward slashes, and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** Every TypeScript and JavaScript file of the repository. */
export function sourceFiles(folder = ""): SourceFile[] {
  return readdirSync(`${root}/${folder}`, { withFileTypes: true }).flatMap((entry): SourceFile[] => {
    const path = folder + entry.name;
    if (entry.isDirectory())
      return ignored.includes(path) || built.has(entry.name) ? [] : sourceFiles(`${path}/`);
    return /\.(m?tsx?|m?js)$/.test(path) ? [{ path, text: readFileSync(`${root}/${path}`, "utf8") }] : [];
  });
}

/** The source files behind the names of this repository's packages. */
const ownPackages: readonly (readonly [name: RegExp, file: string])[] = [
  [/^visii-engine\/(.+)$/, "engine/exports/$1.ts"],
  [/^visii-engine$/, "engine/index.ts"],
  [/^visii-client$/, "client/visii.ts"],
  [/^visii-client\/(.+)$/, "client/$1.ts"],
];

/** What a file imports, statically or dynamically: paths from the root, or package names. */
export function importsOf({ path, text }: SourceFile): string[] {
  const specifiers = [
    ...withoutComments(text).matchAll(/(?:\bfrom|\bimport\s*\(|^\s*import)\s*["']([^"']+)["']/gm),
  ];
  return specifiers.map(([, specifier]) =>
    specifier!.startsWith(".")
      ? posix.join(posix.dirname(path), specifier!)
      : (ownFile(specifier!) ?? packageName(specifier!)),
  );
}

export function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
}

function ownFile(specifier: string): string | undefined {
  const [name, file] = ownPackages.find(([pattern]) => pattern.test(specifier)) ?? [];
  return name && file && specifier.replace(name, file);
}

function packageName(specifier: string): string {
  if (specifier.startsWith("node:")) return specifier;
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}
