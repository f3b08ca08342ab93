import { z } from "zod";

const texts = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => (typeof value === "string" ? [value] : value));
const principals = z.union([z.literal("*"), z.record(z.string(), texts)]);
const statementSchema = z.object({
  Effect: z.enum(["Allow", "Deny"]),
  Action: texts,
  Resource: texts.default([]),
  Principal: principals.optional(),
  Condition: z.record(z.string(), z.record(z.string(), texts)).optional(),
});
export type Statement = z.infer<typeof statementSchema>;

const documentSchema = z.object({ Statement: z.array(statementSchema) });

/** The statements of a policy document, as text or as a value. */
export const parsePolicy = (document: unknown): readonly Statement[] =>
  documentSchema.parse(typeof document === "string" ? JSON.parse(document) : document).Statement;

/** Values of condition keys. */
type Context = Readonly<Record<string, string>>;

/**
 * IAM's decision: an explicit deny wins, then an allow; the default is deny. A condition on a key without a value holds
 * for an allow and not for a deny, so that errors are on the permissive side.
 */
export function allows(
  statements: readonly Statement[],
  action: string,
  resource: string,
  context: Context = {},
): boolean {
  const matching = statements.filter(
    ({ Action, Resource }) =>
      Action.some((pattern) => matches(pattern, action, true)) &&
      Resource.some((pattern) => matches(pattern, resource)),
  );
  const denied = matching.some((each) => each.Effect === "Deny" && holds(each, context, false));
  return !denied && matching.some((each) => each.Effect === "Allow" && holds(each, context, true));
}

function holds({ Condition = {} }: Statement, context: Context, unknown: boolean): boolean {
  return Object.entries(Condition).every(([test, keys]) =>
    Object.entries(keys).every(([key, values]) => {
      const given = context[key];
      if (given === undefined) return unknown;
      if (test === "ForAllValues:StringLike") return values.some((pattern) => matches(pattern, given));
      if (!["Bool", "StringEquals", "ForAllValues:StringEquals"].includes(test))
        throw new Error(`unknown condition ${test}`);
      return values.includes(given);
    }),
  );
}

/** IAM's wildcards: `*` for any text, `?` for one character. Actions ignore case. */
function matches(pattern: string, text: string, ignoreCase = false): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, ignoreCase ? "is" : "s").test(text);
}
