/** `npm run dev`: runs the whole service on this machine. Ctrl-C stops it. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createJsonLog } from "../shared/json-log.ts";

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";
const { startService } = await import("./service.ts");

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "8787" },
    workers: { type: "string", default: "1" },
    model: { type: "string", default: "mini" },
    verbose: { type: "boolean", default: false },
  },
});
const model =
  values.model === "mini" ? fileURLToPath(new URL("../models/mini", import.meta.url)) : values.model;
const port = Number(values.port);
const workers = Number(values.workers);
const mistake = !existsSync(model)
  ? `Model folder ${model} does not exist; set an existing one with --model.`
  : !Number.isInteger(port) || port < 0 || port > 65_535
    ? `--port ${values.port} is not a valid port; use 0 to 65535.`
    : !Number.isInteger(workers) || workers < 1 || workers > 16
      ? `--workers ${values.workers} is not a valid number; use 1 to 16.`
      : undefined;
if (mistake !== undefined) {
  process.stderr.write(`${mistake}\n`);
  process.exit(2);
}

const logLevel = values.verbose ? "info" : "error";
const log = createJsonLog((line) => process.stderr.write(`${line}\n`), Date.now, logLevel);
let asked = 0;
const interrupted = new Promise<void>((resolve) => {
  for (const name of ["SIGINT", "SIGTERM"] as const)
    process.on(name, () => {
      // The terminal and npm may both forward one Ctrl-C, seconds apart on a busy machine. A later one exits
      // immediately.
      if (asked && Date.now() - asked > 5000) process.exit(130);
      asked ||= Date.now();
      resolve();
    });
});
try {
  const service = await startService({ port, workers, model, log, logLevel });
  const { url, key } = service;
  process.stdout.write(`visii ready ${url}  key ${key}\nOpen ${url}/#key=${key}\n`);
  await interrupted;
  await service.stop();
} catch (error) {
  const busy = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
  process.stderr.write(
    busy
      ? `Port ${port} is in use; choose another with --port.\n`
      : `${error instanceof Error ? error.message : error}\n`,
  );
  process.exitCode = 1;
}
process.exit();
