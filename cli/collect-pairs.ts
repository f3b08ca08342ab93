import { VisibleError } from "visii-engine/errors";

export interface PairNames {
  readonly before: string;
  readonly after: string;
}

/**
 * Extracts every `--pair BEFORE AFTER` from the arguments. Each takes exactly two values. Commander's
 * variadic options would merge repeated options and accept three values.
 */
export function collectPairs(argv: readonly string[]): {
  readonly pairs: readonly PairNames[];
  readonly rest: readonly string[];
} {
  const pairs: PairNames[] = [];
  const rest: string[] = [];
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index]!;
    if (word === "--") return { pairs, rest: [...rest, ...argv.slice(index)] };
    if (word.startsWith("--pair="))
      throw new VisibleError("usage", "--pair takes two files separated by spaces: --pair BEFORE AFTER.");
    if (word !== "--pair") {
      rest.push(word);
      continue;
    }
    const [before, after, extra] = argv.slice(index + 1, index + 4);
    if (before === undefined || after === undefined || before.startsWith("--") || after.startsWith("--"))
      throw new VisibleError("usage", "--pair needs two files: --pair BEFORE AFTER.");
    if (extra !== undefined && !extra.startsWith("-"))
      throw new VisibleError(
        "usage",
        `--pair takes two files but got a third, ${extra}; repeat --pair for each additional pair.`,
      );
    pairs.push({ before, after });
    index += 2;
  }
  return { pairs, rest };
}
