import { fileURLToPath } from "node:url";

/** Folder of the small model that comes with the package: 128 to 256 pixels, [its card](../models/mini/README.md). */
export const bundledModel: string = fileURLToPath(new URL("../models/mini", import.meta.url));
