import type { Command } from "commander";
import type { Context } from "./context.ts";
import { addModelsRandomCommand } from "./models-random.ts";

/** Adds `visii models`, whose commands see to model folders. */
export function addModelsCommand(program: Command, context: Context): void {
  const models = program.command("models").description("model folders: make, see to, and remove them");
  addModelsRandomCommand(models, context);
}
