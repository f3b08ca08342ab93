import type { Command } from "commander";
import type { Context } from "./context.ts";
import { addModelsListCommand } from "./models-list.ts";
import { addModelsPullCommand } from "./models-pull.ts";
import { addModelsRemoveCommand } from "./models-remove.ts";
import { addModelsVerifyCommand } from "./models-verify.ts";

/** Adds `visii models` and its subcommands. */
export function addModelsCommand(program: Command, context: Context): void {
  const models = program.command("models").description("download, list, verify and remove models");
  addModelsPullCommand(models, context);
  addModelsListCommand(models, context);
  addModelsVerifyCommand(models, context);
  addModelsRemoveCommand(models, context);
}
