import { dirname } from "node:path/posix";
import { shortestPath } from "./shortest-path.ts";
import { importsOf, type SourceFile } from "./source-files.ts";

type Imports = ReadonlyMap<string, Iterable<string>>;

/** Every cycle of imports between files or between folders, type imports included, as `a → b → a`. */
export function importCycles(files: readonly SourceFile[]): string[] {
  const imports = new Map(files.map((file) => [file.path, importsOf(file)]));
  return [...new Set([...cyclesIn(imports), ...cyclesIn(betweenModules(imports))])];
}

/**
 * The imports between modules. A folder without subfolders is one module. In other folders each file is a
 * module, because it may be lower than the subfolders (an errors.ts) or higher (an index.ts).
 */
function betweenModules(imports: ReadonlyMap<string, readonly string[]>): Imports {
  const parents = new Set([...imports.keys()].flatMap((path) => ancestors(dirname(path))));
  const moduleOf = (path: string) => (parents.has(dirname(path)) ? path : `${dirname(path)}/`);
  const between = new Map<string, Set<string>>();
  for (const [path, imported] of imports) {
    const module = moduleOf(path);
    const known = between.get(module) ?? new Set();
    for (const other of imported)
      if (imports.has(other) && moduleOf(other) !== module) known.add(moduleOf(other));
    between.set(module, known);
  }
  return between;
}

const ancestors = (folder: string): string[] =>
  folder === "." ? [] : [dirname(folder), ...ancestors(dirname(folder))];

/** The shortest cycle through each node that is part of one, starting with the name that sorts first. */
function cyclesIn(imports: Imports): string[] {
  return [...imports.keys()].flatMap((start) => {
    const cycle = shortestPath(start, (imported) => imported === start, imports)?.slice(1);
    if (!cycle) return [];
    const first = cycle.indexOf([...cycle].sort()[0]!);
    return [[...cycle.slice(first), ...cycle.slice(0, first + 1)].join(" → ")];
  });
}
