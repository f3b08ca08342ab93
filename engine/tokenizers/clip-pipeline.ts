import { Tokenizer } from "@huggingface/tokenizers";

/** A token found in a prompt before any other rule applies. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Whether it is looked for in the normalised prompt (lower case) or in the prompt as written. */
  readonly normalized: boolean;
}

interface ClipPipelineOptions {
  readonly vocabulary: Readonly<Record<string, number>>;
  readonly merges: readonly (readonly [string, string])[];
  readonly addedTokens: readonly AddedToken[];
  readonly unknownToken: string;
}

/** CLIP's words: the special tokens, English contractions, runs of letters, single digits, runs of anything else. */
const words = String.raw`<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`;

/** How the Rust library's ByteLevel step splits words once more; it only finds something in a special token's spelling. */
const byteLevelWords = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

/**
 * CLIP's byte-level BPE (A. Radford et al., 2021) as a `tokenizer.json` value, equal in its ids to the one transformers
 * builds, with two departures that make up for what the JavaScript library does differently from the Rust one:
 *
 * - Σ becomes σ before the rest is lower-cased: JavaScript writes ς at a word's end, Rust lower-cases letter by letter.
 * - ByteLevel's own split is a step of its own: inside ByteLevel, JavaScript's `\s` is used, which, unlike Oniguruma's,
 *   holds U+FEFF for a space; the library's Split translates it.
 *
 * No post-processor: the caller adds the first and last token.
 */
export function makeClipPipeline({
  vocabulary,
  merges,
  addedTokens,
  unknownToken,
}: ClipPipelineOptions): Tokenizer {
  const tokenizerJson = {
    version: "1.0",
    added_tokens: addedTokens.map((token) => ({
      ...token,
      special: true,
      single_word: false,
      lstrip: false,
      rstrip: false,
    })),
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "NFC" },
        { type: "Replace", pattern: { Regex: String.raw`\s+` }, content: " " },
        { type: "Replace", pattern: { String: "Σ" }, content: "σ" },
        { type: "Lowercase" },
      ],
    },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: words }, behavior: "Removed", invert: true },
        { type: "Split", pattern: { Regex: byteLevelWords }, behavior: "Isolated", invert: false },
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: unknownToken,
      continuing_subword_prefix: "",
      end_of_word_suffix: "</w>",
      fuse_unk: false,
      byte_fallback: false,
      vocab: vocabulary,
      merges,
    },
  };
  return new Tokenizer(tokenizerJson, {});
}
