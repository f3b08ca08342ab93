import type { Cells } from "./format-table.ts";
import { type Html, html } from "./html.ts";

/** A table that scrolls horizontally if it is wider than the page. The first column names the rows. */
export function tableHtml(title: string, [heading, ...rows]: Cells): Html {
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${title}">
<table>
<caption>${title}</caption>
<thead><tr>${heading!.map((text) => html`<th scope="col">${text}</th>`)}</tr></thead>
<tbody>
${rows.map(([first, ...cells]) => html`<tr><th scope="row">${first!}</th>${cells.map((text) => html`<td>${text}</td>`)}</tr>`)}
</tbody>
</table>
</div>`;
}
