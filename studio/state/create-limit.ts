type Limit = <Result>(task: () => Promise<Result>) => Promise<Result>;

/** Runs at most `width` tasks at once; the others wait in order. */
export function createLimit(width: number): Limit {
  let free = width;
  const waiting: (() => void)[] = [];
  return async (task) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free++;
    }
  };
}
