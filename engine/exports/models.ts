/** Models pulled from the Hub, model folders read and checked, and what is kept of them from run to run. */
export { ModelCache, type ModelCacheOptions } from "../model-cache/model-cache.ts";
export { defaultClip, pullModel } from "../model-store/pull-model.ts";
export { checkModelConfigs, readModelFolder } from "../pipeline/model-folder.ts";
export { readPairEncoderConfig } from "../pipeline/pair-encoder-model.ts";
