import type { Command } from "commander";
import { VisibleError } from "visii-engine/errors";
import { nonEmpty } from "./parse-values.ts";

/** Options of every command that can run on a service. */
export interface ServerOptions {
  readonly server?: string;
  readonly key?: string;
}

export interface ServerAddress {
  readonly baseUrl: string;
  readonly key: string;
}

export function addServerOptions(command: Command): Command {
  return command
    .option("--server <URL>", "run on a visii service instead of this machine", nonEmpty("--server"))
    .option("--key <KEY>", "API key of the service (or VISII_API_KEY)", nonEmpty("--key"));
}

/**
 * The service given by --server; undefined to run locally.
 *
 * @param local options that do not work with --server; giving one is an error
 */
export function serverAddress(
  command: Command,
  { server, key = process.env.VISII_API_KEY }: ServerOptions,
  local: readonly string[],
): ServerAddress | undefined {
  if (server === undefined) return undefined;
  if (!URL.canParse(server) || !/^https?:$/.test(new URL(server).protocol))
    throw new VisibleError("invalid_option", `--server is "${server}"; it must be an http or https URL.`);
  if (!key)
    throw new VisibleError(
      "invalid_option",
      "--server requires an API key; give --key KEY or set VISII_API_KEY.",
    );
  for (const name of local)
    if (command.getOptionValueSource(name.replace(/-./g, ([, letter]) => letter!.toUpperCase())) === "cli")
      throw new VisibleError("invalid_option", `--${name} cannot be used with --server; remove one of them.`);
  return { baseUrl: new URL(server).origin, key };
}
