declare module "dynalite" {
  import type { Server } from "node:http";

  /** DynamoDB's API on LevelDB; in memory without `path`. */
  export default function dynalite(options?: {
    readonly path?: string;
    /** Milliseconds until a new table is active. */
    readonly createTableMs?: number;
  }): Server;
}
