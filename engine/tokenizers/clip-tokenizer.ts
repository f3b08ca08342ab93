import { type AddedToken, makeClipPipeline } from "./clip-pipeline.ts";
import { invalid, readTokenizerFiles, type SpecialToken, type TokenizerFiles } from "./tokenizer-files.ts";

/** One prompt as the text encoder takes it. */
export interface EncodedText {
  /** `maxLength` ids: BOS, the content, EOS, padding. */
  readonly ids: number[];
  /** How many content tokens there are, without BOS, EOS and padding. */
  readonly length: number;
  /** Where the closing EOS stands: `length + 1`. */
  readonly eosIndex: number;
  /** What did not fit, in the tokenizer's lower-case spelling; absent where everything did. */
  readonly truncatedText?: string;
}

export interface ClipTokenizer {
  readonly bosId: number;
  readonly eosId: number;
  readonly padId: number;
  /** Positions of the text encoder, BOS and EOS included (77 in Stable Diffusion). */
  readonly maxLength: number;
  readonly vocabularySize: number;
  encode(text: string): EncodedText;
  /** The token as the vocabulary spells it (`"paint"`, `"lake</w>"`); `undefined` for an id outside the vocabulary. */
  tokenToString(id: number): string | undefined;
}

/**
 * Load the tokenizer of a diffusers-layout folder. Its ids equal those of transformers' CLIPTokenizer on the same files,
 * but for characters on whose class or order the two Unicode tables (this Node's, the Rust library's) disagree: 99 of
 * 61,590 lines that between them held every code point below U+30000, all of recent additions to Unicode.
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

/** A token named as bare text in any of its roles is looked for as written: so transformers merges the descriptions. */
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

/** The vocabulary turned round; every id from 0 on must be taken once. */
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
