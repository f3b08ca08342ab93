/** Model folders on this machine, by ID. */
export { bundledModel } from "../bundled-model.ts";
export { looksLikeModelId, parseModelId } from "../model-store/model-id.ts";
export { forgetPull, readPullRecord, verifyFiles } from "../model-store/pulled-model.ts";
export { listStored, removeStored, storedFolder } from "../model-store/store.ts";
