import { html, raw } from "hono/html";
import { problems } from "../shared/problem.ts";

/** What the page needs of an OpenAPI document. */
interface Described {
  readonly info: { readonly title: string; readonly version: string };
  readonly paths?: Readonly<Record<string, object>> | undefined;
}
interface Operation {
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly requestBody?: unknown;
  readonly responses?: Readonly<
    Record<string, { readonly description?: string; readonly content?: unknown }>
  >;
}

type Method = (typeof methods)[number];

const methods = ["get", "post", "patch", "delete"] as const;

/** The reference as one page with nothing to load: made from the same document that /openapi.json gives. */
export function docsPage(document: Described) {
  const operations = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = (item as { readonly [Name in Method]?: Operation })[method];
      return operation ? [{ path, method, operation }] : [];
    }),
  );
  const groups = new Map<string, typeof operations>();
  for (const each of operations) {
    const group = each.operation.tags?.[0] ?? "Other";
    groups.set(group, [...(groups.get(group) ?? []), each]);
  }
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${document.info.title}: reference</title><style>${raw(style)}</style></head>
<body><header><h1>${document.info.title}</h1>
<p>Version ${document.info.version}. JSON over HTTPS; <code>Authorization: Bearer KEY</code>.
The machine-readable form is <a href="/openapi.json">/openapi.json</a>; the <a href="/">studio</a> uses the same API.</p>
<nav aria-label="Sections">${[...groups.keys()].map((group) => html`<a href="#${group}">${group}</a> `)}<a href="#errors">Errors</a></nav></header>
<main>${[...groups].map(([group, members]) => html`<section id="${group}"><h2>${group}</h2>${members.map(operationPart)}</section>`)}
<section id="errors"><h2>Errors</h2><p>Every error is <code>application/problem+json</code> (RFC 9457) with a stable <code>code</code>.</p>
<table><thead><tr><th>Status</th><th>Code</th><th>Meaning</th></tr></thead><tbody>
${Object.entries(problems).map(([code, [status, title]]) => html`<tr id="error-${code}"><td>${status}</td><td><code>${code}</code></td><td>${title}</td></tr>`)}
</tbody></table></section></main></body></html>`;
}

function operationPart({ path, method, operation }: { path: string; method: string; operation: Operation }) {
  const schema = (value: unknown) => html`<pre>${JSON.stringify(value, undefined, 2)}</pre>`;
  return html`<details><summary><code class="${method}">${method.toUpperCase()}</code> <code>${path}</code> ${operation.summary ?? ""}</summary>
${operation.requestBody ? html`<h3>Body</h3>${schema(operation.requestBody)}` : ""}
${Object.entries(operation.responses ?? {}).map(
  ([status, response]) =>
    html`<h3>${status}: ${response.description ?? ""}</h3>${response.content ? schema(response.content) : ""}`,
)}</details>`;
}

const style = `:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}body{max-width:60rem;margin:0 auto;padding:1rem}
nav a{margin-right:.75rem}details{border-top:1px solid #8884;padding:.4rem 0}summary{cursor:pointer}
pre{overflow:auto;max-height:24rem;background:#8881;padding:.75rem;font-size:.85rem}h3{font-size:1rem;margin:.75rem 0 .25rem}
code.post{color:light-dark(#0a7d38,#6fdd8b)}code.get{color:light-dark(#0b62b8,#8ec5ff)}code.delete{color:light-dark(#b3261e,#ff9a90)}code.patch{color:light-dark(#8a5a00,#f0c060)}
table{border-collapse:collapse}td,th{text-align:left;padding:.25rem .75rem;border-bottom:1px solid #8884}`;
