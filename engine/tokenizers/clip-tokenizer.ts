import { type AddedToken, makeClipPipeline } from "./clip-tokenizer-json.ts";
import { invalid, readTokenizerFiles, type SpecialToken, type TokenizerFiles } from "./tokenizer-files.ts";

/** A tokenized prompt for the text encoder. */
interface EncodedText {
  /** `maxLength` ids: BOS, the content, EOS, padding. */
  readonly ids: number[];
  /** Number of content tokens, without BOS, EOS and padding. */
  readonly length: number;
  /** Index of the first EOS: `length + 1`. */
  readonly eosIndex: number;
  /** The part that did not fit, in the tokenizer's lowercase spelling; absent if everything fit. */
  readonly truncatedText?: string;
}

export interface ClipTokenizer {
  readonly bosId: number;
  readonly eosId: number;
  readonly padId: number;
  /** Number of positions of the text encoder, including BOS and EOS (77 in Stable Diffusion). */
  readonly maxLength: number;
  readonly vocabularySize: number;
  encode(text: string): EncodedText;
  /** The token in the vocabulary's spelling (`"paint"`, `"lake</w>"`); `undefined` for an unknown id. */
  tokenToString(id: number): string | undefined;
}

/**
 * Loads the tokenizer of a folder in diffusers layout. Its ids equal those of transformers' CLIPTokenizer,
 * except for characters on which the Unicode tables of Node and the Rust library differ: 99 of 61,590 lines
 * that together contained every code point below U+30000, all recent additions to Unicode.
 *
 * @throws VisibleError `tokenizer_not_found`, `invalid_tokenizer`
 */
export async function loadClipTokenizer(folder: string): Promise<ClipTokenizer> {
  const files = await readTokenizerFiles(folder);
  const { config, vocabulary } = files;
  const byId = namesById(files);
  const roles = {
    bos: config.bos_token ?? "<|startoftext|>",
    eos: config.eos_token ?? "<|endoftext|>",
    unk: config.unk_token ?? "<|endoftext|>",
    pad: config.pad_token ?? "<|endoftext|>",
  };
  const idOf = (token: SpecialToken): number => {
    const id = Object.hasOwn(vocabulary, contentOf(token)) ? vocabulary[contentOf(token)] : undefined;
    if (id === undefined) throw invalid(folder, `its vocabulary lacks the special token ${contentOf(token)}`);
    return id;
  };
  const [bosId, eosId, padId] = [idOf(roles.bos), idOf(roles.eos), idOf(roles.pad)];
  const pipeline = makeClipPipeline({
    vocabulary,
    merges: files.merges,
    unknownToken: contentOf(roles.unk),
    addedTokens: addedTokens(Object.values(roles), idOf),
  });
  const maxLength = config.model_max_length;

  return {
    bosId,
    eosId,
    padId,
    maxLength,
    vocabularySize: byId.length,
    tokenToString: (id) => byId[id],
    encode(text) {
      const content = pipeline.encode(text).ids;
      const kept = content.slice(0, maxLength - 2);
      const cut = content.slice(kept.length);
      const padding = Array<number>(maxLength - 2 - kept.length).fill(padId);
      return {
        ids: [bosId, ...kept, eosId, ...padding],
        length: kept.length,
        eosIndex: kept.length + 1,
        ...(cut.length > 0 && { truncatedText: pipeline.decode(cut).replaceAll("</w>", " ").trim() }),
      };
    },
  };
}

/**
 * A token that is plain text in any of its roles is matched in the original prompt; transformers merges the
 * roles this way.
 */
function addedTokens(roles: readonly SpecialToken[], idOf: (token: SpecialToken) => number): AddedToken[] {
  const tokens = new Map<string, AddedToken>();
  for (const role of roles) {
    const content = contentOf(role);
    const normalized =
      typeof role !== "string" && role.normalized && (tokens.get(content)?.normalized ?? true);
    tokens.set(content, { id: idOf(role), content, normalized });
  }
  return [...tokens.values()];
}

function contentOf(token: SpecialToken): string {
  return typeof token === "string" ? token : token.content;
}

/** The inverted vocabulary. Every id from 0 must be used once. */
function namesById({ folder, vocabulary }: TokenizerFiles): readonly string[] {
  const entries = Object.entries(vocabulary);
  const names: string[] = new Array(entries.length);
  let filled = 0;
  for (const [name, id] of entries) {
    if (id >= entries.length || names[id] !== undefined)
      throw invalid(
        folder,
        `its vocabulary of ${entries.length} tokens gives ${JSON.stringify(name)} the id ${id}`,
      );
    names[id] = name;
    filled++;
  }
  if (filled === 0) throw invalid(folder, "its vocabulary is empty");
  return names;
}
