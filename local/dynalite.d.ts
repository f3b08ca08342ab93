declare module "dynalite" {
  import type { Server } from "node:http";

  /** DynamoDB's API on LevelDB; in memory when `path` is absent. */
  export default function dynalite(options?: {
    readonly path?: string;
    /** Milliseconds a new table takes to become active. */
    readonly createTableMs?: number;
  }): Server;
}
