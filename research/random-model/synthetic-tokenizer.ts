import { VisibleError } from "../../engine/errors.ts";

/** Files of a tokenizer folder by name. */
type TokenizerFolder = Readonly<Record<string, string>>;

const [begin, end] = ["<|startoftext|>", "<|endoftext|>"] as const;

/**
 * A CLIP tokenizer without the published vocabulary: the same algorithm, files and number of tokens, with
 * enumerated instead of learned merges. It encodes any text. Tokens are pairs of letters, then words of three
 * letters, then words of four and inner groups of four while there is room; longer words take several tokens.
 *
 * @param size number of tokens: 256 bytes, 256 word-final bytes, two special tokens, and merges for the rest
 * @param pad the padding token
 */
export function syntheticTokenizer(size: number, maxLength: number, pad: string = end): TokenizerFolder {
  const symbols = byteSymbols();
  const room = size - 2 * symbols.length - 2;
  if (room < 0)
    throw new VisibleError("invalid_option", `A CLIP vocabulary has at least 514 tokens, not ${size}.`);
  const merges: (readonly [string, string])[] = [];
  for (const merge of countedMerges()) {
    if (merges.length === room) break;
    merges.push(merge);
  }
  const tokens = [
    ...symbols,
    ...symbols.map((symbol) => `${symbol}</w>`),
    ...merges.map(([left, right]) => left + right),
    begin,
    end,
  ];
  const special = (content: string) => ({
    content,
    lstrip: false,
    normalized: true,
    rstrip: false,
    single_word: false,
  });
  const roles = {
    bos_token: special(begin),
    eos_token: special(end),
    unk_token: special(end),
    pad_token: pad,
  };
  const config = {
    add_prefix_space: false,
    do_lower_case: true,
    errors: "replace",
    model_max_length: maxLength,
    tokenizer_class: "CLIPTokenizer",
    ...roles,
  };
  return {
    "vocab.json": JSON.stringify(Object.fromEntries(tokens.map((token, id) => [token, id]))),
    "merges.txt": ["#version: 0.2", ...merges.map(([left, right]) => `${left} ${right}`), ""].join("\n"),
    "special_tokens_map.json": showJson(roles),
    "tokenizer_config.json": showJson(config),
  };
}

function* countedMerges(): Generator<readonly [string, string]> {
  const letters = [..."etaoinshrdlcumwfgypbvkjxqz"];
  const pairs = letters.flatMap((a) => letters.map((b) => [a, b] as const));
  yield* pairs;
  for (const [a, b] of pairs) yield [a, `${b}</w>`];
  for (const [a, b] of pairs) for (const c of letters) yield [a + b, `${c}</w>`];
  // Frequent letters come first, so pairs with a small index sum come first.
  const count = pairs.length;
  for (let sum = 0; sum < 2 * count - 1; sum++)
    for (let i = Math.max(0, sum - count + 1); i <= Math.min(sum, count - 1); i++) {
      const [left, right] = [pairs[i]!.join(""), pairs[sum - i]!.join("")];
      yield [left, `${right}</w>`];
      yield [left, right];
    }
}

/** A printable character for each byte, in the order of GPT-2's and CLIP's vocabularies. */
function byteSymbols(): string[] {
  const printable = [range(0x21, 0x7e), range(0xa1, 0xac), range(0xae, 0xff)].flat();
  const others = range(0, 0xff).filter((byte) => !printable.includes(byte));
  return [...printable, ...others.map((_, index) => 0x100 + index)].map((code) => String.fromCodePoint(code));
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

function showJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
