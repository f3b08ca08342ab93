import { fileURLToPath } from "node:url";

/**
 * Folder of the small model bundled with the package, for images of 128 to 256 pixels; see its [model
 * card](../models/mini/README.md).
 */
export const bundledModel: string = fileURLToPath(new URL("../models/mini", import.meta.url));
