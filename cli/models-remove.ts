import type { Command } from "commander";
import { removeStored } from "visii-engine/model-store";
import type { Context } from "./context.ts";
import { modelStoreRoot } from "./model-location.ts";

/** Adds `visii models remove`. */
export function addModelsRemoveCommand(models: Command, context: Context): void {
  models
    .command("remove")
    .description("delete a pulled model")
    .argument("<ID>", "ID shown by visii models list")
    .action((id: string, options: { readonly json?: boolean }) => remove(context, id, options));
}

async function remove({ print }: Context, id: string, { json }: { readonly json?: boolean }): Promise<void> {
  const bytes = await removeStored(modelStoreRoot(), id);
  print(
    json ? JSON.stringify({ removed: id, bytes }) : `Removed ${id}: ${(bytes / 1e9).toFixed(2)} GB freed.`,
  );
}
