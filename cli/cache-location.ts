import { join } from "node:path";
import { VisibleError } from "visii-engine/errors";
import type { ModelCacheOptions } from "visii-engine/models";
import { cacheHome } from "./model-location.ts";

/**
 * The folder and size limit of the model cache. VISII_CACHE is the folder (default: visii/computed in the XDG
 * cache folder); VISII_CACHE=off disables the cache and returns undefined. VISII_CACHE_SIZE is the limit in
 * GB.
 *
 * @throws VisibleError `invalid_setting`
 */
export function cacheOptions(
  environment: NodeJS.ProcessEnv = process.env,
): Pick<ModelCacheOptions, "folder" | "limit"> | undefined {
  const { VISII_CACHE: own, VISII_CACHE_SIZE: size } = environment;
  if (own === "off") return undefined;
  const folder = own ? own : join(cacheHome(environment), "visii", "computed");
  if (!size) return { folder };
  const limit = Number(size) * 1e9;
  if (limit > 0) return { folder, limit };
  throw new VisibleError(
    "invalid_setting",
    `VISII_CACHE_SIZE is ${JSON.stringify(size)}; use a number of GB such as 20, or set VISII_CACHE=off.`,
  );
}
