import { readFile } from "node:fs/promises";
import type { z } from "zod";
import { VisibleError } from "../errors.ts";
import { parsePythonJson } from "../files/parse-python-json.ts";

/**
 * Reads a config.json with a schema. Keys that begin with `_` are metadata and are dropped. An unknown key or
 * an unsupported value is an error, so that no setting is silently ignored.
 */
export async function readConfig<T>(file: string, schema: z.ZodType<T>): Promise<T> {
  return parseConfig(await readJson(file), schema, file);
}

export async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new VisibleError(
      "model_file_missing",
      `${file} cannot be read; a model folder in diffusers layout must contain it.`,
      {
        cause,
      },
    );
  });
  try {
    return parsePythonJson(text);
  } catch (cause) {
    throw new VisibleError("invalid_config", `${file} is not valid JSON.`, { cause });
  }
}

export function parseConfig<T>(json: unknown, schema: z.ZodType<T>, file: string): T {
  const known =
    json && typeof json === "object" && !Array.isArray(json)
      ? Object.fromEntries(Object.entries(json).filter(([key]) => !key.startsWith("_")))
      : json;
  const parsed = schema.safeParse(known);
  if (parsed.success) return parsed.data;
  const reasons = parsed.error.issues.map((issue) => {
    const key = issue.path.join(".");
    if (issue.code === "unrecognized_keys")
      return `${[...issue.path, issue.keys.join(", ")].join(".")} is not a supported key; remove it if it has no effect`;
    if (issue.code === "custom") return `${key} ${issue.message}`;
    const value = key && known ? JSON.stringify(issue.path.reduce<unknown>(lookUp, known)) : undefined;
    return value === undefined
      ? `${key || "the file"}: ${issue.message}`
      : `${key}: ${value} is not supported`;
  });
  throw new VisibleError("unsupported_config", `${file}: ${reasons.join("; ")}.`);
}

function lookUp(object: unknown, key: PropertyKey): unknown {
  return object && typeof object === "object" ? (object as Record<PropertyKey, unknown>)[key] : undefined;
}

/** For zod's `superRefine`: lists with one entry per level must be as long as the list `levels`. */
export const onePerLevel =
  (levels: string, ...keys: readonly string[]) =>
  (config: object, context: z.core.$RefinementCtx): void => {
    const lengthOf = (key: string) =>
      [lookUp(config, key)].flatMap((list) => (Array.isArray(list) ? [list.length] : []))[0];
    const wanted = lengthOf(levels);
    for (const key of keys) {
      const length = lengthOf(key);
      if (length !== undefined && length !== wanted)
        context.addIssue({
          code: "custom",
          path: [key],
          message: `has ${length} entries, but ${levels} has ${wanted}`,
        });
    }
  };
