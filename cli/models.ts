import type { Command } from "commander";
import type { Context } from "./context.ts";
import { addModelsListCommand } from "./models-list.ts";
import { addModelsPullCommand } from "./models-pull.ts";
import { addModelsRemoveCommand } from "./models-remove.ts";
import { addModelsVerifyCommand } from "./models-verify.ts";

/** Adds `visii models`, whose commands see to model folders. */
export function addModelsCommand(program: Command, context: Context): void {
  const models = program.command("models").description("fetch, list, check and remove models");
  addModelsPullCommand(models, context);
  addModelsListCommand(models, context);
  addModelsVerifyCommand(models, context);
  addModelsRemoveCommand(models, context);
}
