/** The shortest chain of imports from `start` to one that `isGoal` accepts, both included; one import at least. */
export function shortestWay(
  start: string,
  isGoal: (imported: string) => boolean,
  imports: ReadonlyMap<string, Iterable<string>>,
): readonly string[] | undefined {
  const ways: string[][] = [[start]];
  const seen = new Set([start]);
  for (const way of ways)
    for (const next of imports.get(way.at(-1)!) ?? []) {
      if (isGoal(next)) return [...way, next];
      if (!seen.has(next)) ways.push([...way, next]);
      seen.add(next);
    }
  return undefined;
}
