import { readFile, stat } from "node:fs/promises";
import { VisibleError } from "../errors.ts";
import { firstDuplicateKey } from "./duplicate-keys.ts";
import { maxHeaderBytes } from "./safetensors-header.ts";

/**
 * Reads `*.safetensors.index.json`: the shard of each tensor. A shard must be a bare file name, so that it
 * cannot refer to
 * another folder.
 *
 * @throws VisibleError `invalid_weights`
 */
export async function readShardIndex(path: string): Promise<ReadonlyMap<string, string>> {
  const refuse = (reason: string, cause?: unknown) =>
    new VisibleError("invalid_weights", `${path} is not a valid shard index: ${reason}; download it again.`, {
      cause,
    });
  if ((await stat(path)).size > maxHeaderBytes) throw refuse(`it is larger than ${maxHeaderBytes} bytes`);
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(await readFile(path));
    value = JSON.parse(text);
  } catch (cause) {
    throw refuse("it is not JSON in UTF-8", cause);
  }
  const weightMap =
    typeof value === "object" && value !== null ? (value as { weight_map?: unknown }).weight_map : null;
  if (typeof weightMap !== "object" || weightMap === null || Array.isArray(weightMap))
    throw refuse("it has no object weight_map");
  const twice = firstDuplicateKey(text);
  if (twice !== undefined) throw refuse(`it has the key ${JSON.stringify(twice)} twice`);

  const shardOf = new Map<string, string>();
  for (const [name, shard] of Object.entries(weightMap)) {
    if (typeof shard !== "string" || !/^[\w][\w.-]*\.safetensors$/.test(shard))
      throw refuse(
        `it lists tensor ${JSON.stringify(name)} in ${JSON.stringify(shard)}, which is not a plain .safetensors name`,
      );
    shardOf.set(name, shard);
  }
  if (shardOf.size === 0) throw refuse("its weight_map is empty");
  return shardOf;
}
