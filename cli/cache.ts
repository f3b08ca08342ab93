import type { Command } from "commander";
import { ModelCache } from "visii-engine/models";
import { cacheOptions } from "./cache-location.ts";
import type { Context } from "./context.ts";

interface CacheOptions {
  readonly clear?: boolean;
  readonly json?: boolean;
}

/** Adds `visii cache`. */
export function addCacheCommand(program: Command, context: Context): void {
  program
    .command("cache")
    .description("show or clear the cache that speeds up loading of large models")
    .option("--clear", "delete the cache; its content is computed again when needed")
    .action((options: CacheOptions) => cache(context, options));
}

async function cache({ print }: Context, { clear, json }: CacheOptions): Promise<void> {
  const place = cacheOptions();
  if (!place) {
    print(json ? JSON.stringify({ folder: null }) : "The cache is disabled (VISII_CACHE=off).");
    return;
  }
  const kept = new ModelCache(place);
  const { entries, bytes } = await kept.use();
  if (clear) await kept.clear();
  if (json) print(JSON.stringify({ folder: place.folder, entries, bytes, cleared: clear === true }));
  else
    print(
      clear
        ? `Cleared ${place.folder}: ${gigabytes(bytes)} freed.`
        : `${place.folder}: ${entries} ${entries === 1 ? "file" : "files"}, ${gigabytes(bytes)}. Use --clear to delete it.`,
    );
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(2)} GB`;
}
