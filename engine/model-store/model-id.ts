import { VisibleError } from "../errors.ts";

/** A model on the Hub, and which of its states. */
export interface ModelId {
  /** `owner/name`. */
  readonly name: string;
  /** A branch, a tag or a commit; the main branch where absent. */
  readonly revision?: string;
}

const part = "[A-Za-z0-9][A-Za-z0-9_.-]*";
const pattern = new RegExp(`^(${part}/${part})(?:@(${part}(?:/${part})*))?$`);

/** Whether a word could be meant as a model's id rather than as a path. */
export function looksLikeModelId(text: string): boolean {
  return pattern.test(text) && !text.includes("..");
}

/**
 * Reads `owner/name` or `owner/name@revision`.
 *
 * @throws VisibleError `invalid_model_id`
 */
export function parseModelId(text: string): ModelId {
  const found = looksLikeModelId(text) ? pattern.exec(text) : null;
  if (!found)
    throw new VisibleError(
      "invalid_model_id",
      `"${text}" is no model id; ids read owner/name or owner/name@revision, as in timbrooks/instruct-pix2pix.`,
    );
  return { name: found[1]!, ...(found[2] === undefined ? {} : { revision: found[2] }) };
}

export function showModelId({ name, revision }: ModelId): string {
  return revision === undefined ? name : `${name}@${revision}`;
}
