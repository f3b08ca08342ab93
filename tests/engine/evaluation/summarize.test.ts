import { describe, expect, it } from "vitest";
import type { Finished } from "../../../engine/evaluation/finished-work.ts";
import {
  alignedTable,
  markdownTable,
  showScore,
  tableCells,
} from "../../../engine/evaluation/format-table.ts";
import { html, pathUrl } from "../../../engine/evaluation/html.ts";
import { compare, summarize } from "../../../engine/evaluation/summarize.ts";
import { noScores } from "./made-up-results.ts";

const work = (name: string, method: string, seed: number, ...psnrs: (number | null)[]): Finished => ({
  case: name,
  method,
  seed,
  cost: { once: { evaluations: 100 * seed, seconds: 3 }, photo: { evaluations: 4, seconds: 0.25 } },
  tests: psnrs.map((psnr, i) => ({ name: `${i}`, picture: "", scores: { ...noScores, psnr } })),
});

const finished = [
  work("a", "text", 0, 10, 20, null),
  work("b", "text", 0, 31),
  work("a", "learned", 0, 16, 20),
  work("a", "learned", 1, 18, 22),
  work("b", "learned", 0, 33),
  work("c", "learned", 0, null),
];

describe("the summary", () => {
  const rows = summarize(finished, ["text", "learned", "hybrid"]);

  it("weights each case once, as the mean of its photos and seeds that have a value", () => {
    expect(rows.map(({ method, cases }) => [method, cases])).toEqual([
      ["text", 2],
      ["learned", 3],
    ]);
    expect(rows[0]!.metrics.psnr).toEqual({ mean: 23, low: 15, high: 31, cases: 2 });
    expect(rows[1]!.metrics.psnr).toMatchObject({ mean: 26, cases: 2 });
    expect(rows[1]!.metrics.ssim).toBeNull();
  });

  it("has no interval for a single case", () => {
    const [row] = summarize([work("a", "text", 0, 12)], ["text"]);
    expect(row!.metrics.psnr).toEqual({ mean: 12, low: null, high: null, cases: 1 });
  });

  it("compares case by case, so that differences in difficulty cancel", () => {
    const [row, ...others] = compare(finished, ["text", "learned"], "text");
    expect(others).toEqual([]);
    expect(row).toMatchObject({ method: "learned", cases: 2 });
    expect(row!.metrics.psnr).toEqual({ mean: 3, low: 2, high: 4, cases: 2 });
  });
});

describe("the table", () => {
  const rows = summarize(finished, ["text", "learned"]);

  it("aligns its columns, omits metrics without values, and reports missing cases", () => {
    expect(`\n${alignedTable(tableCells(rows))}\n`).toMatchInlineSnapshot(`
      "
      method   cases  PSNR dB                         UNet evaluations, once + per photo  seconds, once + per photo
      ───────  ─────  ──────────────────────────────  ──────────────────────────────────  ─────────────────────────
      text     2      23.00 [15.00, 31.00]            0 + 4                               3.00 + 0.25
      learned  3      26.00 [19.00, 33.00] (2 cases)  25 + 4                              3.00 + 0.25
      "
    `);
  });

  it("is Markdown on request, with signs on differences", () => {
    const cells = tableCells(compare(finished, ["text", "learned"], "text"), { signed: true });
    expect(`\n${markdownTable(cells)}\n`).toMatchInlineSnapshot(`
      "
      | method | cases | PSNR dB |
      |---|---|---|
      | learned | 2 | +3.00 [+2.00, +4.00] |
      "
    `);
  });

  it("never shows a minus zero", () => {
    expect([-0.001, -0.4, 1].map((value) => showScore("psnr", value, true))).toEqual([
      "0.00",
      "−0.40",
      "+1.00",
    ]);
  });
});

describe("html", () => {
  it("escapes inserted values, except html", () => {
    const name = `<img src="x" onerror='a'>&`;
    expect(html`<p title="${name}">${html`<b>${1}</b>`}${[html`a`, html`b`]}</p>`.text).toBe(
      '<p title="&lt;img src=&quot;x&quot; onerror=&#39;a&#39;&gt;&amp;"><b>1</b>a\nb</p>',
    );
  });

  it("writes paths as URLs", () => {
    expect(pathUrl("pictures/a & b/50%#1.jpg")).toBe("pictures/a%20%26%20b/50%25%231.jpg");
  });
});
