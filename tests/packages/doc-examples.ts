import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const engine = fileURLToPath(new URL("../../engine/", import.meta.url));

/**
 * The code of each `@example` in the engine's docstrings, by the name of the documented function; `index` for
 * the file's own.
 */
export function docExamples(): ReadonlyMap<string, string> {
  const files = readdirSync(engine, { recursive: true, encoding: "utf8" }).filter(
    (path) => path.endsWith(".ts") && !/^(dist|node_modules)\//.test(path),
  );
  return new Map(files.flatMap((path) => examplesIn(path, readFileSync(engine + path, "utf8"))));
}

function examplesIn(path: string, text: string): [name: string, code: string][] {
  return [...text.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*?@example\n[\s\S]*?)\*\/\n(.*)/g)].map(
    ([, comment, below]) => {
      const [, example = ""] = comment!.split("@example\n");
      const code = example
        .replace(/^ \* ?/gm, "")
        .split(/^@\w+/m)[0]!
        .trim();
      const name = /^export (?:async )?function (\w+)/.exec(below!)?.[1];
      return [name ?? path.replace(/\.ts$/, "").replaceAll("/", "-"), `${code}\n`];
    },
  );
}
