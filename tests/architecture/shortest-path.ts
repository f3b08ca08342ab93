/** The shortest chain of one or more imports from `start` to a file that `isGoal` accepts, both included. */
export function shortestPath(
  start: string,
  isGoal: (imported: string) => boolean,
  imports: ReadonlyMap<string, Iterable<string>>,
): readonly string[] | undefined {
  const paths: string[][] = [[start]];
  const seen = new Set([start]);
  for (const path of paths)
    for (const next of imports.get(path.at(-1)!) ?? []) {
      if (isGoal(next)) return [...path, next];
      if (!seen.has(next)) paths.push([...path, next]);
      seen.add(next);
    }
  return undefined;
}
