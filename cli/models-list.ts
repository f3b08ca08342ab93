import type { Command } from "commander";
import { listStored } from "visii-engine/model-store";
import type { Context } from "./context.ts";
import { modelStoreRoot } from "./model-location.ts";

/** Adds `visii models list`. */
export function addModelsListCommand(models: Command, context: Context): void {
  models
    .command("list")
    .description("list pulled models and their folders")
    .action((options: { readonly json?: boolean }) => list(context, options));
}

async function list({ print }: Context, { json }: { readonly json?: boolean }): Promise<void> {
  const root = modelStoreRoot();
  const models = await listStored(root);
  if (json) {
    const rows = models.map(({ id, folder, bytes, record }) => ({
      id,
      folder,
      bytes,
      complete: record !== undefined,
      commit: record?.commit ?? null,
      variant: record?.variant ?? null,
    }));
    print(JSON.stringify({ root, models: rows }));
    return;
  }
  if (models.length === 0) print(`No pulled models in ${root}. The bundled model is named mini.`);
  for (const { id, folder, bytes, record } of models) {
    const state = record
      ? `commit ${record.commit.slice(0, 12)}${record.variant ? `, ${record.variant}` : ""}`
      : `incomplete; continue with visii models pull ${id}`;
    print(`${id}  ${(bytes / 1e9).toFixed(2)} GB  ${state}\n  ${folder}`);
  }
}
