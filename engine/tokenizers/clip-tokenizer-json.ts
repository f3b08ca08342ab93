import { Tokenizer } from "@huggingface/tokenizers";

/** A token that is matched in a prompt before any other rule. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Whether it is matched in the normalized (lowercase) prompt or in the original. */
  readonly normalized: boolean;
}

interface ClipPipelineOptions {
  readonly vocabulary: Readonly<Record<string, number>>;
  readonly merges: readonly (readonly [string, string])[];
  readonly addedTokens: readonly AddedToken[];
  readonly unknownToken: string;
}

/**
 * CLIP's word pattern: special tokens, English contractions, runs of letters, single digits, runs of anything
 * else.
 */
const words = String.raw`<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`;

/**
 * The second split of the Rust library's ByteLevel step, which only affects the spelling of special tokens.
 */
const byteLevelWords = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

/**
 * CLIP's byte-level BPE (A. Radford et al., 2021) as a `tokenizer.json` value, with the same ids as the one
 * that transformers builds. Two changes compensate for differences between the JavaScript and the Rust
 * library:
 *
 * - Σ becomes σ before the rest is lowercased: JavaScript writes ς at the end of a word, Rust lowercases each
 * letter alone.
 * - ByteLevel's split is a separate step: within ByteLevel, JavaScript's `\s` is used, which unlike
 * Oniguruma's includes
 *   U+FEFF; the library's Split translates it.
 *
 * There is no post-processor: the caller adds BOS and EOS.
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
