import { dirname } from "node:path/posix";
import { shortestWay } from "./shortest-path.ts";
import { importsOf, type SourceFile } from "./source-files.ts";

type Imports = ReadonlyMap<string, Iterable<string>>;

/** Every circle of imports between files or between folders, imports of types included, as `a → b → a`. */
export function circles(files: readonly SourceFile[]): string[] {
  const imports = new Map(files.map((file) => [file.path, importsOf(file)]));
  return [...new Set([...circlesIn(imports), ...circlesIn(betweenPlaces(imports))])];
}

/**
 * The imports between places. A folder without folders in it is one place; in any other each of its own files is one, because these
 * may stand below its folders (an errors.ts) or above them (an index.ts).
 */
function betweenPlaces(imports: ReadonlyMap<string, readonly string[]>): Imports {
  const nests = new Set([...imports.keys()].flatMap((path) => foldersAround(dirname(path))));
  const placeOf = (path: string) => (nests.has(dirname(path)) ? path : `${dirname(path)}/`);
  const between = new Map<string, Set<string>>();
  for (const [path, imported] of imports) {
    const place = placeOf(path);
    const known = between.get(place) ?? new Set();
    for (const other of imported)
      if (imports.has(other) && placeOf(other) !== place) known.add(placeOf(other));
    between.set(place, known);
  }
  return between;
}

const foldersAround = (folder: string): string[] =>
  folder === "." ? [] : [dirname(folder), ...foldersAround(dirname(folder))];

/** The shortest circle through each member of one, begun where its name sorts first. */
function circlesIn(imports: Imports): string[] {
  return [...imports.keys()].flatMap((start) => {
    const circle = shortestWay(start, (imported) => imported === start, imports)?.slice(1);
    if (!circle) return [];
    const first = circle.indexOf([...circle].sort()[0]!);
    return [[...circle.slice(first), ...circle.slice(0, first + 1)].join(" → ")];
  });
}
