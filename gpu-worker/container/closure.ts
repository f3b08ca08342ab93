import { existsSync, realpathSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";

const manifestSchema = z.object({
  name: z.string(),
  dependencies: z.record(z.string(), z.string()).default({}),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
});

export interface InstalledPackage {
  readonly name: string;
  readonly folder: string;
}

/**
 * Finds the given packages and their installed run-time dependencies as Node does, from each dependent's
 * folder upward. Omits optional dependencies that are not installed.
 *
 * @param from folder whose node_modules contains the given packages
 * @param without declared dependencies that are not needed at run time
 */
export async function runtimeClosure(
  from: string,
  names: readonly string[],
  without: ReadonlySet<string>,
): Promise<InstalledPackage[]> {
  const found = new Map<string, InstalledPackage>();
  const visit = async (name: string, dependant: string, isOptional: boolean): Promise<void> => {
    if (without.has(name)) return;
    const folder = findPackage(name, dependant);
    if (folder === undefined) {
      if (isOptional) return;
      throw new Error(`Package ${name}, a dependency of ${dependant}, is not installed; run npm ci.`);
    }
    if (found.has(folder)) return;
    found.set(folder, { name, folder });
    const manifest = manifestSchema.parse(JSON.parse(await readFile(join(folder, "package.json"), "utf8")));
    const optional = new Set(Object.keys(manifest.optionalDependencies));
    for (const needed of new Set([...Object.keys(manifest.dependencies), ...optional]))
      await visit(needed, folder, optional.has(needed));
  };
  for (const name of names) await visit(name, from, false);
  return [...found.values()];
}

function findPackage(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", name);
    if (existsSync(join(candidate, "package.json"))) return realpathSync(candidate);
    if (dirname(folder) === folder) return undefined;
  }
}
