/** Downloading models from the Hub, reading model folders, and the model cache. */
export { ModelCache, type ModelCacheOptions } from "../model-cache/model-cache.ts";
export { defaultClip, pullModel } from "../model-store/pull-model.ts";
export { requireFamily } from "../pipeline/model-family.ts";
export { checkModelConfigs, readModelFolder } from "../pipeline/model-folder.ts";
export { readPairEncoderConfig } from "../pipeline/pair-encoder-model.ts";
