import type { Command } from "commander";
import { VisibleError } from "visii-engine/errors";
import { nonEmpty } from "./parse-values.ts";

/** Of every command that a service can do instead of this machine. */
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
    .option("--server <URL>", "let a visii service do it instead of this machine", nonEmpty("--server"))
    .option("--key <KEY>", "the service's key (or VISII_API_KEY)", nonEmpty("--key"));
}

/**
 * The service that was asked for; undefined where this machine is to work.
 *
 * @param local options by name that only this machine can honour; one that was given is refused
 */
export function serverAddress(
  command: Command,
  { server, key = process.env.VISII_API_KEY }: ServerOptions,
  local: readonly string[],
): ServerAddress | undefined {
  if (server === undefined) return undefined;
  if (!URL.canParse(server) || !/^https?:$/.test(new URL(server).protocol))
    throw new VisibleError("invalid_option", `--server is "${server}"; it must be an http or https address.`);
  if (!key)
    throw new VisibleError("invalid_option", "--server wants a key: give --key KEY or set VISII_API_KEY.");
  for (const name of local)
    if (command.getOptionValueSource(name.replace(/-./g, ([, letter]) => letter!.toUpperCase())) === "cli")
      throw new VisibleError("invalid_option", `--${name} does not go with --server; leave one of them out.`);
  return { baseUrl: new URL(server).origin, key };
}
