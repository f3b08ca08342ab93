import type { CreateEdit, CreateInstruction } from "../../client/visii.ts";

/** A request to show as code. Its uploads are kept for 30 days. */
export type Made =
  | { readonly collection: "instructions"; readonly body: CreateInstruction }
  | { readonly collection: "edits"; readonly body: CreateEdit };

export function asCurl({ collection, body }: Made, origin: string): string {
  const wait = collection === "edits" ? ' \\\n  -H "Prefer: wait=50"' : "";
  const json = JSON.stringify(body).replaceAll("'", "'\\''");
  return `curl ${origin}/v1/${collection} \\\n  -H "Authorization: Bearer $VISII_API_KEY"${wait} \\\n  --json '${json}'\n`;
}

export function asTypeScript({ collection, body }: Made, origin: string): string {
  const [made, told] =
    collection === "edits"
      ? ["edit", "console.log(results.map(({ url }) => url));"]
      : ["instruction", "console.log(id, status);"];
  const taken = collection === "edits" ? "{ results }" : "{ id, status }";
  return [
    'import { visii } from "visii-client";',
    "",
    `const api = visii({ baseUrl: ${JSON.stringify(origin)}, key: process.env.VISII_API_KEY! });`,
    `const ${made} = await api.${collection}.create(${JSON.stringify(body, null, 2)});`,
    `const ${taken} = await api.${collection}.wait(${made}.id);`,
    told,
    "",
  ].join("\n");
}
