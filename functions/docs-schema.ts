import { html } from "hono/html";

/** The subset of JSON Schema that the document uses. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
  readonly pattern?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}
export type Schemas = Readonly<Record<string, Schema>>;

/** A schema as a nested list of its fields with type, limits and description. */
export function schemaPart(given: Schema, schemas: Schemas): ReturnType<typeof html> | "" {
  const schema = resolve(given, schemas);
  if (schema.items) return schemaPart(schema.items, schemas);
  const branches = schema.anyOf ?? schema.oneOf;
  if (branches) return html`${branches.map((branch) => schemaPart(branch, schemas))}`;
  if (!schema.properties) return "";
  return html`<ul>${Object.entries(schema.properties).map(([name, field]) => {
    const { description, default: fallback } = { ...resolve(field, schemas), ...field };
    const needed = schema.required?.includes(name) ? " · required" : "";
    return html`<li><code>${name}</code> <small>${typeOf(field, schemas)}${needed}${
      fallback === undefined ? "" : ` · default ${JSON.stringify(fallback)}`
    }</small> ${inline(description ?? "")}${schemaPart(field, schemas)}</li>`;
  })}</ul>`;
}

/** Renders Markdown's `code` and **strong**, and no other syntax. */
export const inline = (text: string) =>
  html`${text.split(/(\*\*[^*]+\*\*|`[^`]+`)/).map((part) => {
    if (part.startsWith("**")) return html`<strong>${part.slice(2, -2)}</strong>`;
    return part.startsWith("`") ? html`<code>${part.slice(1, -1)}</code>` : part;
  })}`;

/** A short description: `string, 1 to 300 characters`, `array of: ID like upl_…, 1 to 16`. */
export function typeOf(given: Schema, schemas: Schemas): string {
  const schema = resolve(given, schemas);
  const branches = schema.anyOf ?? schema.oneOf;
  if (branches) return [...new Set(branches.map((branch) => typeOf(branch, schemas)))].join(" or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(", ");
  if (schema.items)
    return `array of: ${typeOf(schema.items, schemas)}${between(schema.minItems, schema.maxItems, "")}`;
  if (schema.format === "date-time") return "time";
  if (schema.format === "uri") return "URL";
  const [, prefix] = /^\^(\w{3})_/.exec(schema.pattern ?? "") ?? [];
  if (prefix !== undefined) return `ID like ${prefix}_…`;
  if (schema.type === "string") return `string${between(schema.minLength, schema.maxLength, " characters")}`;
  const whole = schema.type === "integer" ? "integer" : (schema.type ?? "any");
  return whole + between(schema.minimum, schema.maximum, "");
}

function between(least: number | undefined, most: number | undefined, unit: string): string {
  // The safe integer bounds are zod's, not limits of the API.
  const top = most === undefined || most >= Number.MAX_SAFE_INTEGER ? undefined : most;
  const bottom = least === undefined || least <= Number.MIN_SAFE_INTEGER ? undefined : least;
  if (top === undefined) return bottom ? `, at least ${bottom}${unit}` : "";
  return bottom === undefined ? `, at most ${top}${unit}` : `, ${bottom} to ${top}${unit}`;
}

function resolve(schema: Schema, schemas: Schemas): Schema {
  const name = schema.$ref?.split("/").at(-1);
  return (name === undefined ? undefined : schemas[name]) ?? schema;
}
