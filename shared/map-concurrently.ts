/**
 * Runs `task` for every item, at most `width` at a time. Resolves with the results in the order of the items.
 * Rejects with the first failure.
 */
export async function mapConcurrently<Item, Result>(
  width: number,
  items: readonly Item[],
  task: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(items.length);
  const open = items.entries();
  const work = async () => {
    for (const [index, item] of open) results[index] = await task(item, index);
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, work));
  return results;
}
