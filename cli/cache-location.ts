import { join } from "node:path";
import { VisibleError } from "visii-engine/errors";
import type { ModelCacheOptions } from "visii-engine/models";
import { cacheHome } from "./model-location.ts";

/**
 * Where what is computed from models is kept for the next start: VISII_CACHE, else visii/computed in the cache folder of the XDG
 * base directory specification; undefined for VISII_CACHE=off. VISII_CACHE_SIZE is the most that it may take, in GB.
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
    `VISII_CACHE_SIZE is ${JSON.stringify(size)}; give a number of GB such as 20, or set VISII_CACHE=off.`,
  );
}
