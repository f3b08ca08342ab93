import { entryPoints, forbiddenPaths, layers, packageOwners, restrictedFolders } from "./layers.ts";
import { shortestPath } from "./shortest-path.ts";
import { importsOf, type SourceFile, withoutComments } from "./source-files.ts";

/** Every violation of the repository's rules, one sentence each. */
export function violations(files: readonly SourceFile[]): string[] {
  const imports = new Map(files.map((file) => [file.path, importsOf(file)]));
  return [
    ...files.flatMap(({ path }) => importsHigherLayer(path, imports.get(path)!)),
    ...files.flatMap(({ path }) => importsRestricted(path, imports.get(path)!)),
    ...files.flatMap(({ path }) => reachesForbidden(path, imports)),
    ...files.flatMap(readsEnvironment),
    ...files.flatMap(badStyle),
  ];
}

function importsHigherLayer(path: string, imports: readonly string[]): string[] {
  const own = layerOf(path);
  if (own === undefined) return [`${path} has no layer; add its folder to tests/architecture/layers.ts`];
  return imports.flatMap((imported) => {
    const layer = layerOf(imported);
    return layer !== undefined && layer > own
      ? [`${path} (layer ${own}) imports ${imported} (layer ${layer})`]
      : [];
  });
}

/** Imports of packages that have an owner, and of restricted folders. Tests may import anything. */
function importsRestricted(path: string, imports: readonly string[]): string[] {
  if (path.startsWith("tests/")) return [];
  return imports.flatMap((imported) => {
    const allowedIn = [packageOwners[imported] ?? []].flat();
    if (allowedIn.length && !allowedIn.some((prefix) => path.startsWith(prefix)))
      return [`${path} imports ${imported}, which only ${allowedIn.join(" and ")} may import`];
    const [folder, allowed] =
      Object.entries(restrictedFolders).find(([prefix]) => imported.startsWith(prefix)) ?? [];
    return folder && allowed && ![folder, "research/", ...allowed].some((prefix) => path.startsWith(prefix))
      ? [`${path} imports ${imported}, which only ${allowed.join(" and ")} may import`]
      : [];
  });
}

function reachesForbidden(path: string, imports: ReadonlyMap<string, readonly string[]>): string[] {
  return forbiddenPaths.flatMap(([from, to]) => {
    if (!path.startsWith(from)) return [];
    const chain = shortestPath(path, (imported) => imported.startsWith(to), imports);
    return chain ? [`${chain.join(" → ")}: ${from} must not reach ${to}`] : [];
  });
}

function readsEnvironment({ path, text }: SourceFile): string[] {
  const isEntry = entryPoints.some((prefix) => path.startsWith(prefix));
  return !isEntry && /\bprocess\.env\b/.test(withoutComments(text))
    ? [`${path} reads process.env, which only entry points may`]
    : [];
}

function badStyle({ path, text }: SourceFile): string[] {
  const name = path.split("/").at(-1)!;
  const lines = text.split("\n").length;
  const code = withoutComments(text).replace(/"[^"\n]*"|`[^`]*`/g, '""');
  return [
    ...(lines > 500 ? [`${path} has ${lines} lines: split it; the limit is 500`] : []),
    ...(/^(utils?|helpers?|misc|common)\b/.test(name) ? [`${path} has a name that says nothing`] : []),
    ...(/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)+$/.test(name) ? [] : [`${path} is not in kebab-case`]),
    ...(/(:|\bas|<|\|)\s*any\b/.test(code) ? [`${path} has the type any`] : []),
  ];
}

function layerOf(path: string): number | undefined {
  const prefix = Object.keys(layers)
    .filter((candidate) => path.startsWith(candidate))
    .sort((a, b) => b.length - a.length)[0];
  return prefix === undefined ? undefined : layers[prefix];
}
