import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { VisibleError } from "visii-engine/errors";
import { bundledModel, looksLikeModelId, parseModelId, storedFolder } from "visii-engine/model-store";

/**
 * Where pulled models lie: VISII_MODELS, else visii/models in the cache folder of the XDG base directory specification. They
 * can be had again, so they are a cache.
 */
export function modelStoreRoot(environment: NodeJS.ProcessEnv = process.env): string {
  const { VISII_MODELS: own } = environment;
  return own ? own : join(cacheHome(environment), "visii", "models");
}

/** The cache folder of the XDG base directory specification. */
export function cacheHome({ XDG_CACHE_HOME: cache }: NodeJS.ProcessEnv): string {
  return cache ? cache : join(homedir(), ".cache");
}

/**
 * Folder of a model by the name given on the command line: `mini` is the bundled one, else a folder, else the id of a pulled
 * model. A folder goes before an id of the same spelling.
 *
 * @throws VisibleError `model_not_pulled`
 */
export function modelFolder(name: string): string {
  if (name === "mini") return bundledModel;
  if (existsSync(name) || !looksLikeModelId(name)) return name;
  const folder = storedFolder(modelStoreRoot(), parseModelId(name));
  if (existsSync(folder)) return folder;
  throw new VisibleError(
    "model_not_pulled",
    `There is neither a folder ${name} nor a pulled model of that id; fetch it with visii models pull ${name}.`,
  );
}
