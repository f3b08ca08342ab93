import { importsOf, type SourceFile, withoutComments } from "./source-files.ts";

/**
 * Files whose importers are outside of the repository or generated: packages, Lambda handlers, evaluated
 * stages.
 */
const entryPoints =
  /^engine\/(index\.ts|exports\/)|^client\/(visii|webhooks)\.ts$|lambda\.ts$|\/program-host\.ts$/;

/** Every exported name that no importer of its file mentions, as `path exports name`. */
export function unusedExports(files: readonly SourceFile[]): string[] {
  const importers = new Map<string, string[]>();
  for (const file of files)
    for (const path of importsOf(file)) {
      const texts = importers.get(path) ?? [];
      importers.set(path, [...texts, withoutComments(file.text)]);
    }
  return files
    .filter(({ path }) => !entryPoints.test(path))
    .flatMap(({ path, text }) => {
      const words = new Set(
        (importers.get(path) ?? []).flatMap((importer) => importer.match(/\w+|\* (as|from)/g) ?? []),
      );
      if (words.has("* as") || words.has("* from")) return [];
      const names = [
        ...text.matchAll(/^export (?:async )?(?:function\*?|const|class|interface|type|let) (\w+)/gm),
      ];
      return names
        .filter(([, name]) => !words.has(name!))
        .map(([, name]) => `${path} exports ${name}, which no other file imports`);
    });
}
