import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, realpathSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

/** The major versions of Node that the packages are tested with. */
export const testedNodes = [20, 22, 24] as const;

/** Where .ci/nodes installs Node. */
const installed = process.env.VISII_NODES ?? join(process.env.XDG_CACHE_HOME ?? "~/.cache", "visii/nodes/*");

/** Search paths, with `*` for any name: `VISII_NODES`, PATH, and the folders of nvm and fnm. */
const folders = [
  ...installed.split(delimiter),
  ...(process.env.PATH ?? "").split(delimiter),
  `${process.env.NVM_DIR ?? "~/.nvm"}/versions/node/*/bin`,
  `${process.env.FNM_DIR ?? "~/.local/share/fnm"}/node-versions/*/installation/bin`,
];

/** The path of a Node program for each major version that is found on this machine. */
export function findNodes(): ReadonlyMap<number, string> {
  const names = ["node", ...testedNodes.map((major) => `node${major}`)];
  const candidates = folders
    .flatMap((pattern) => matches(pattern.replace(/^~/, homedir())))
    .flatMap((path) => (isFile(path) ? [path] : names.map((name) => join(path, name))))
    .filter(isFile);
  const found = new Map([[majorOf(process.version), process.execPath]]);
  for (const program of new Set(candidates.map((path) => realpathSync(path)))) {
    const major = majorOf(versionOf(program));
    if (!found.has(major)) found.set(major, program);
  }
  return found;
}

/** The paths that match `pattern`. A `*` is the whole name of a file or folder. */
function matches(pattern: string): string[] {
  const [parent, rest] = pattern.split(/\/\*(.*)/s);
  if (rest === undefined || !existsSync(parent!)) return rest === undefined ? [pattern] : [];
  return readdirSync(parent!).flatMap((name) => matches(`${parent}/${name}${rest}`));
}

function versionOf(program: string): string {
  try {
    return execFileSync(program, ["--version"], { encoding: "utf8", timeout: 60_000 }).trim();
  } catch {
    return "";
  }
}

/** `v22.23.3` → 22. */
const majorOf = (version: string): number => Number(/^v(\d+)/.exec(version)?.[1]);

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
