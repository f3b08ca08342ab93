import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { VisibleError } from "visii-engine/errors";
import { bundledModel, looksLikeModelId, parseModelId, storedFolder } from "visii-engine/model-store";

/** Folder of pulled models: VISII_MODELS, else visii/models in the XDG cache folder. */
export function modelStoreRoot(environment: NodeJS.ProcessEnv = process.env): string {
  const { VISII_MODELS: own } = environment;
  return own ? own : join(cacheHome(environment), "visii", "models");
}

/** The cache folder of the XDG base directory specification. */
export function cacheHome({ XDG_CACHE_HOME: cache }: NodeJS.ProcessEnv): string {
  return cache ? cache : join(homedir(), ".cache");
}

/**
 * Resolves a --model value: `mini` (the bundled model), a folder, or the ID of a pulled model. A folder takes
 * precedence over an ID of the same name.
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
    `Model ${name} is neither a folder nor a pulled model; fetch it with visii models pull ${name}.`,
  );
}
