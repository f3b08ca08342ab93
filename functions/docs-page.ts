import { html } from "hono/html";
import { apiErrors } from "../shared/problem.ts";

/**
 * The API reference. Its script, built from studio/reference.ts, shows /openapi.json with Swagger UI. The
 * error codes are first, because the reference grows while it loads and would move the target of
 * `/docs#error-…`.
 */
export const docsPage = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>visii: API reference</title><link rel="icon" href="/studio/icon.svg"><link rel="stylesheet" href="/studio/reference.css">
<script type="module" src="/studio/reference.js"></script></head>
<body><header><h1>API reference</h1><nav aria-label="Pages"><a href="/">Studio</a></nav></header>
<details id="errors"><summary>Error codes</summary>
<table><thead><tr><th>Status</th><th>Code</th><th>Meaning</th></tr></thead><tbody>
${apiErrors.map(([code, status, title]) => html`<tr id="error-${code}"><td>${status}</td><td><code>${code}</code></td><td>${title}</td></tr>`)}
</tbody></table></details>
<div id="reference"><noscript>The reference needs JavaScript.</noscript></div></body></html>`;
