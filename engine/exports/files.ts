/** Atomic file writes. */
export { ensureWritableFolder, writeAtomically } from "../files/write-atomically.ts";
