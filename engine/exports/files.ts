/** Files that are written whole or not at all. */
export { ensureWritableFolder, writeAside } from "../files/write-aside.ts";
