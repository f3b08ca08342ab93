import { createRequire } from "node:module";
import { z } from "zod";

export function packageVersion(): string {
  const manifest: unknown = createRequire(import.meta.url)("visii/package.json");
  return z.object({ version: z.string() }).parse(manifest).version;
}
