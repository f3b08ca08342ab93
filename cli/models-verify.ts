import type { Command } from "commander";
import { VisibleError } from "visii-engine/errors";
import { forgetPull, readPullRecord, verifyFiles } from "visii-engine/model-store";
import type { Context } from "./context.ts";
import { modelFolder } from "./model-location.ts";
import { transferProgress } from "./transfer-progress.ts";

/** Adds `visii models verify`. */
export function addModelsVerifyCommand(models: Command, context: Context): void {
  models
    .command("verify")
    .description("verify a pulled model's files against the Hub's checksums")
    .argument("<ID|DIR>", "a pulled model or its folder")
    .action((name: string, options: { readonly json?: boolean }) => verify(context, name, options));
}

async function verify(
  { print, progress, signal }: Context,
  name: string,
  { json }: { readonly json?: boolean },
): Promise<void> {
  const folder = modelFolder(name);
  const record = await readPullRecord(folder);
  if (!record)
    throw new VisibleError(
      "no_record",
      `${folder} is not completely pulled and cannot be verified; run visii models pull.`,
    );
  const total = record.files.reduce((sum, { size }) => sum + size, 0);
  const show = transferProgress(progress, "reading");
  let bytes = 0;
  const faults = await verifyFiles(folder, record, {
    signal,
    onBytes: (file, count) => {
      bytes += count;
      show({ file, bytes, total });
    },
  }).finally(() => progress.clear());
  if (json) print(JSON.stringify({ folder, files: record.files.length, bytes: total, faults }));
  if (faults.length > 0) {
    await forgetPull(folder);
    throw new VisibleError(
      "damaged_model",
      `${folder} is damaged: ${faults.map(({ path, fault }) => `${path} (${fault})`).join(", ")}. ` +
        `Pull ${record.name} again; only damaged files are downloaded.`,
    );
  }
  if (!json) print(`${folder} is intact: ${record.files.length} files, ${(total / 1e9).toFixed(2)} GB.`);
}
