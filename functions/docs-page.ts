import { html, raw } from "hono/html";
import { problems } from "../shared/problem.ts";
import { inline, type Schema, type Schemas, schemaPart, typeOf } from "./docs-schema.ts";

/** The parts of an OpenAPI document that the page uses. */
interface Described {
  readonly info: { readonly title: string; readonly version: string; readonly description?: string };
  readonly paths?: Readonly<Record<string, object>> | undefined;
  readonly components?: { readonly schemas?: object };
}
interface Content {
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}
interface Operation {
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly description?: string;
    readonly schema?: Schema;
  }[];
  readonly requestBody?: Content;
  readonly responses?: Readonly<Record<string, Content & { readonly description?: string }>>;
}
interface Named {
  readonly path: string;
  readonly method: Method;
  readonly operation: Operation;
}

type Method = (typeof methods)[number];

const methods = ["get", "post", "patch", "delete"] as const;

/** The page's style is inline; it loads nothing. */
export const docsPolicy =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The API reference as one self-contained page, made from the document that /openapi.json returns. */
export function docsPage(document: Described) {
  const schemas = (document.components?.schemas ?? {}) as Schemas;
  const groups = new Map<string, Named[]>();
  for (const named of operationsOf(document.paths)) {
    const group = named.operation.tags?.[0] ?? "Other";
    groups.set(group, [...(groups.get(group) ?? []), named]);
  }
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${document.info.title}: reference</title><style>${raw(style)}</style></head>
<body><header><h1>${document.info.title}</h1>
<p>Version ${document.info.version}. The OpenAPI document is <a href="/openapi.json">/openapi.json</a>. The <a href="/">studio</a> uses the same API.</p>
<nav aria-label="Sections">${[...groups.keys()].map((group) => html`<a href="#${group}">${group}</a> `)}<a href="#payload">Payloads</a> <a href="#errors">Errors</a></nav></header>
<main><section aria-label="About">${paragraphs(document.info.description ?? "")}</section>
${[...groups].map(([group, members]) => html`<section id="${group}"><h2>${group}</h2>${members.map((named) => operationPart(named, schemas))}</section>`)}
<section id="payload"><h2>Webhook payload</h2><p>A POST request with this JSON body:</p>${schemas.WebhookPayload ? schemaPart(schemas.WebhookPayload, schemas) : ""}</section>
<section id="errors"><h2>Errors</h2>
<table><thead><tr><th>Status</th><th>Code</th><th>Meaning</th></tr></thead><tbody>
${Object.entries(problems).map(([code, [status, title]]) => html`<tr id="error-${code}"><td>${status}</td><td><code>${code}</code></td><td>${title}</td></tr>`)}
</tbody></table></section></main></body></html>`;
}

const operationsOf = (paths: Described["paths"] = {}): Named[] =>
  Object.entries(paths).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = (item as { readonly [Name in Method]?: Operation })[method];
      return operation ? [{ path, method, operation }] : [];
    }),
  );

function operationPart({ path, method, operation }: Named, schemas: Schemas) {
  const { parameters = [], requestBody, responses = {}, summary = "" } = operation;
  return html`<details><summary><code class="${method}">${method.toUpperCase()}</code> <code>${path}</code> ${summary}</summary>
${
  parameters.length
    ? html`<h3>Parameters</h3><ul>${parameters.map(
        ({ name, in: place, description, schema }) =>
          html`<li><code>${name}</code> <small>${place} · ${schema ? typeOf(schema, schemas) : ""}</small> ${inline(description ?? schema?.description ?? "")}</li>`,
      )}</ul>`
    : ""
}
${requestBody ? html`<h3>Body</h3>${bodyPart(requestBody, schemas)}` : ""}
${Object.entries(responses)
  .filter(([status]) => status !== "default")
  .map(
    ([status, response]) =>
      html`<h3>${status}: ${response.description ?? ""}</h3>${bodyPart(response, schemas)}`,
  )}</details>`;
}

const bodyPart = ({ content = {} }: Content = {}, schemas: Schemas) =>
  html`${Object.values(content).map(({ schema }) => (schema ? schemaPart(schema, schemas) : ""))}`;

const paragraphs = (text: string) => text.split("\n\n").map((paragraph) => html`<p>${inline(paragraph)}</p>`);

const style = `:root{color-scheme:light dark;background:Canvas;font:16px/1.5 system-ui,sans-serif}body{max-width:60rem;margin:0 auto;padding:1rem;overflow-wrap:anywhere}
nav a{margin-right:.75rem}details{border-top:1px solid #8884;padding:.4rem 0}summary{cursor:pointer}
h3{font-size:1rem;margin:.75rem 0 .25rem}ul{margin:.25rem 0;padding-left:1.25rem}li{margin:.15rem 0}
code.post{color:light-dark(#0a7d38,#6fdd8b)}code.get{color:light-dark(#0b62b8,#8ec5ff)}code.delete{color:light-dark(#b3261e,#ff9a90)}code.patch{color:light-dark(#8a5a00,#f0c060)}
table{border-collapse:collapse}td,th{text-align:left;padding:.25rem .75rem;border-bottom:1px solid #8884}
:focus-visible{outline:3px solid light-dark(#3b5bdb,#8ea6ff);outline-offset:2px}`;
