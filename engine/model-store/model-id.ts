import { VisibleError } from "../errors.ts";

/** A model on the Hub, with an optional revision. */
export interface ModelId {
  /** `owner/name`. */
  readonly name: string;
  /** A branch, a tag or a commit; the main branch when absent. */
  readonly revision?: string;
}

const part = "[A-Za-z0-9][A-Za-z0-9_.-]*";
const pattern = new RegExp(`^(${part}/${part})(?:@(${part}(?:/${part})*))?$`);

/** Returns true if an argument can be a model ID rather than a path. */
export function looksLikeModelId(text: string): boolean {
  return pattern.test(text) && !text.includes("..");
}

/**
 * Parses `owner/name` or `owner/name@revision`.
 *
 * @throws VisibleError `invalid_model_id`
 */
export function parseModelId(text: string): ModelId {
  const found = looksLikeModelId(text) ? pattern.exec(text) : null;
  if (!found)
    throw new VisibleError(
      "invalid_model_id",
      `"${text}" is not a model ID; use owner/name or owner/name@revision, such as timbrooks/instruct-pix2pix.`,
    );
  return { name: found[1]!, ...(found[2] === undefined ? {} : { revision: found[2] }) };
}

export function showModelId({ name, revision }: ModelId): string {
  return revision === undefined ? name : `${name}@${revision}`;
}
