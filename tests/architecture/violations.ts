import { entryPoints, floors, guarded, owners, strangers } from "./layers.ts";
import { shortestWay } from "./shortest-path.ts";
import { importsOf, type SourceFile, withoutComments } from "./source-files.ts";

/** Every breach of the house's rules, one sentence each. */
export function trespasses(files: readonly SourceFile[]): string[] {
  const imports = new Map(files.map((file) => [file.path, importsOf(file)]));
  return [
    ...files.flatMap(({ path }) => aboveItsFloor(path, imports.get(path)!)),
    ...files.flatMap(({ path }) => goesAround(path, imports.get(path)!)),
    ...files.flatMap(({ path }) => reachesStranger(path, imports)),
    ...files.flatMap(readsTheWorld),
    ...files.flatMap(badForm),
  ];
}

function aboveItsFloor(path: string, imports: readonly string[]): string[] {
  const own = floorOf(path);
  if (own === undefined)
    return [`${path} stands on no floor: give its folder one in tests/architecture/layers.ts`];
  return imports.flatMap((imported) => {
    const floor = floorOf(imported);
    return floor !== undefined && floor > own
      ? [`${path} (floor ${own}) imports ${imported} (floor ${floor})`]
      : [];
  });
}

/** Imports of packages that have an owner, and of folders that are guarded. Tests may look anywhere. */
function goesAround(path: string, imports: readonly string[]): string[] {
  if (path.startsWith("tests/")) return [];
  return imports.flatMap((imported) => {
    const allowedIn = [owners[imported] ?? []].flat();
    if (allowedIn.length && !allowedIn.some((prefix) => path.startsWith(prefix)))
      return [`${path} imports ${imported}, which only ${allowedIn.join(" and ")} may import`];
    const [folder, allowed] = Object.entries(guarded).find(([guard]) => imported.startsWith(guard)) ?? [];
    return folder && allowed && ![folder, "research/", ...allowed].some((prefix) => path.startsWith(prefix))
      ? [`${path} imports ${imported}, which is open only to ${allowed}`]
      : [];
  });
}

function reachesStranger(path: string, imports: ReadonlyMap<string, readonly string[]>): string[] {
  return strangers.flatMap(([from, to]) => {
    if (!path.startsWith(from)) return [];
    const way = shortestWay(path, (imported) => imported.startsWith(to), imports);
    return way ? [`${way.join(" → ")}: ${from} must not reach ${to}`] : [];
  });
}

function readsTheWorld({ path, text }: SourceFile): string[] {
  const isEntry = entryPoints.some((prefix) => path.startsWith(prefix));
  return !isEntry && /\bprocess\.env\b/.test(withoutComments(text))
    ? [`${path} reads process.env, which only entry points do`]
    : [];
}

function badForm({ path, text }: SourceFile): string[] {
  const name = path.split("/").at(-1)!;
  const lines = text.split("\n").length;
  const code = withoutComments(text).replace(/"[^"\n]*"|`[^`]*`/g, '""');
  return [
    ...(lines > 500 ? [`${path} has ${lines} lines: at 500 a file is more than one idea`] : []),
    ...(/^(utils?|helpers?|misc|common)\b/.test(name) ? [`${path} is named for nothing in particular`] : []),
    ...(/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)+$/.test(name) ? [] : [`${path} is not in kebab-case`]),
    ...(/(:|\bas|<|\|)\s*any\b/.test(code) ? [`${path} says any`] : []),
  ];
}

function floorOf(path: string): number | undefined {
  const prefix = Object.keys(floors)
    .filter((candidate) => path.startsWith(candidate))
    .sort((a, b) => b.length - a.length)[0];
  return prefix === undefined ? undefined : floors[prefix];
}
