/** Atomic file writes. */
export { ensureWritableFolder, writeAside } from "../files/write-aside.ts";
