import { html } from "hono/html";

/** Of JSON Schema what the document uses. */
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

/** A schema as a list of its fields with type, limits and meaning, one list inside the other. */
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
      fallback === undefined ? "" : ` · ${JSON.stringify(fallback)} when absent`
    }</small> ${inline(description ?? "")}${schemaPart(field, schemas)}</li>`;
  })}</ul>`;
}

/** Markdown's `code` and **strong** words, and nothing else of it. */
export const inline = (text: string) =>
  html`${text.split(/(\*\*[^*]+\*\*|`[^`]+`)/).map((part) => {
    if (part.startsWith("**")) return html`<strong>${part.slice(2, -2)}</strong>`;
    return part.startsWith("`") ? html`<code>${part.slice(1, -1)}</code>` : part;
  })}`;

/** In a few words: `text, 1 to 300 characters`, `list of ids like upl_…, 1 to 16`. */
export function typeOf(given: Schema, schemas: Schemas): string {
  const schema = resolve(given, schemas);
  const branches = schema.anyOf ?? schema.oneOf;
  if (branches) return [...new Set(branches.map((branch) => typeOf(branch, schemas)))].join(" or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(", ");
  if (schema.items)
    return `list of: ${typeOf(schema.items, schemas)}${between(schema.minItems, schema.maxItems, "")}`;
  if (schema.format === "date-time") return "time";
  if (schema.format === "uri") return "address";
  const [, prefix] = /^\^(\w{3})_/.exec(schema.pattern ?? "") ?? [];
  if (prefix !== undefined) return `id like ${prefix}_…`;
  if (schema.type === "string") return `text${between(schema.minLength, schema.maxLength, " characters")}`;
  const whole = schema.type === "integer" ? "whole number" : (schema.type ?? "anything");
  return whole + between(schema.minimum, schema.maximum, "");
}

function between(least: number | undefined, most: number | undefined, unit: string): string {
  // The largest safe integer is no limit that anybody set.
  const top = most === undefined || most >= Number.MAX_SAFE_INTEGER ? undefined : most;
  const bottom = least === undefined || least <= Number.MIN_SAFE_INTEGER ? undefined : least;
  if (top === undefined) return bottom ? `, ${bottom} or more${unit}` : "";
  return bottom === undefined ? `, ${top}${unit} at most` : `, ${bottom} to ${top}${unit}`;
}

function resolve(schema: Schema, schemas: Schemas): Schema {
  const name = schema.$ref?.split("/").at(-1);
  return (name === undefined ? undefined : schemas[name]) ?? schema;
}
