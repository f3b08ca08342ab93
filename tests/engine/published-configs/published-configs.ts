import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";

const folder = new URL("../../fixtures/published-configs/", import.meta.url);
const read = (name: string): unknown =>
  JSON.parse(readFileSync(fileURLToPath(new URL(name, folder)), "utf8"));

/** [first version, default]; without a default if the key was removed. */
const change = z.union([z.tuple([z.string(), z.unknown()]), z.tuple([z.string()])]);
const history = z.record(z.string(), z.record(z.string(), z.array(change)));

/** Configs of diffusers, written by `oracle/published_configs.py`. */
export const diffusers = z
  .object({
    versions: z.array(z.string()),
    schedulers: history,
    networks: history,
    pipelines: z.record(z.string(), z.record(z.string(), z.string())),
  })
  .parse(read("diffusers.json"));

/** Configs of transformers, each with the versions that save it. */
export const clip = z
  .object({
    versions: z.array(z.string()),
    saved: z.record(
      z.string(),
      z.array(z.object({ versions: z.array(z.string()), config: z.record(z.string(), z.unknown()) })),
    ),
  })
  .parse(read("clip.json"));

interface PublishedConfig {
  readonly version: string;
  readonly keys: Readonly<Record<string, unknown>>;
}

/**
 * The different configs of a class over diffusers' versions, each by its first version.
 */
export function configsOf(keys: z.infer<typeof history>[string]): PublishedConfig[] {
  const configs: PublishedConfig[] = [];
  for (const [at, version] of diffusers.versions.entries()) {
    const known = (first: string) => diffusers.versions.indexOf(first) <= at;
    const present = Object.entries(keys).flatMap(([key, changes]) => {
      const last = changes.findLast(([first]) => known(first));
      return last?.length === 2 ? [[key, last[1]] as const] : [];
    });
    const changed = Object.values(keys).some((changes) => changes.some(([first]) => first === version));
    if (changed && present.length) configs.push({ version, keys: Object.fromEntries(present) });
  }
  return configs;
}

/** A config's text as Python writes it, with its tokens that are not JSON. */
export function asPythonWrites(config: unknown): string {
  return JSON.stringify(config).replace(/\{"python":"([^"]*)"\}/g, "$1");
}

/** Other values of the same kind, some of which a reader may accept. */
export function otherValues(value: unknown): unknown[] {
  if (typeof value === "boolean") return [!value];
  if (typeof value === "number") return [value + 1, value * 2, value / 2];
  if (typeof value === "string")
    return ["gelu", "scale_shift", "text_time", "sample", "trailing", "scaled_linear", "other"];
  if (Array.isArray(value))
    return [value.toReversed(), value.slice(1), [...value, ...value]].filter(
      (other) => JSON.stringify(other) !== JSON.stringify(value),
    );
  return [2, 0.5, "text", "other", true, [0.1, 0.2], { other: 1 }];
}
