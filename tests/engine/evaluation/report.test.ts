import { describe, expect, it } from "vitest";
import { evaluationMarkdown } from "../../../docs/evaluation-markdown.ts";
import type { CaseFiles } from "../../../engine/evaluation/evaluation-case.ts";
import type { Finished } from "../../../engine/evaluation/finished-work.ts";
import { parseMethods } from "../../../engine/evaluation/method.ts";
import { makeReport } from "../../../engine/evaluation/report.ts";
import { reportText } from "../../../engine/evaluation/report-text.ts";
import { ablationChart } from "../../../research/ablation/ablation-chart.ts";
import { makeAblationReport } from "../../../research/ablation/ablation-report.ts";
import { ablationText } from "../../../research/ablation/ablation-text.ts";
import { chooseAblations } from "../../../research/ablation/ablations.ts";
import { noScores } from "./made-up-results.ts";

const work = (name: string, method: string, seed: number, psnr: number): Finished => ({
  case: name,
  method,
  seed,
  cost: { once: { evaluations: 1300, seconds: 20 }, photo: { evaluations: 4, seconds: 0.5 } },
  tests: [
    {
      name: "photo",
      picture: "",
      scores: { ...noScores, psnr, ssim: psnr / 50 },
    },
  ],
});
const files = (name: string, group?: string): CaseFiles => ({
  name,
  pairs: [{ before: "before.png", after: "after.png" }],
  tests: [{ name: "photo", photo: "photo.png" }],
  description: { texts: ["make it night"], ...(group ? { group } : {}) },
});
const model = { id: "made up", weightHash: "0" };

describe("a report of cases in groups", () => {
  const report = makeReport(
    {
      set: "set",
      model,
      clip: null,
      settings: {},
      seeds: [0],
      cases: [files("night", "light"), files("grade", "color"), files("dusk", "light")],
      methods: parseMethods("text,learned"),
    },
    {
      complete: true,
      finished: [
        ...[work("night", "text", 0, 20), work("night", "learned", 0, 22)],
        ...[work("grade", "text", 0, 10), work("grade", "learned", 0, 30)],
        ...[work("dusk", "text", 0, 24), work("dusk", "learned", 0, 25)],
      ],
    },
  );

  it("has tables for each group", () => {
    expect(report.groups.map(({ name, cases }) => [name, cases])).toEqual([
      ["light", ["night", "dusk"]],
      ["color", ["grade"]],
    ]);
    const [light, color] = report.groups;
    expect(light!.table.map(({ metrics }) => metrics.psnr!.mean)).toEqual([22, 23.5]);
    expect(light!.differences!.rows[0]!.metrics.psnr!.mean).toBe(1.5);
    expect(color!.table[1]!.metrics.psnr).toEqual({ mean: 30, low: null, high: null, cases: 1 });
  });

  it("lists every case, group by group", () => {
    const text = reportText(report, "markdown");
    expect(text.slice(text.indexOf("| case |")).split("\n\n")[0]).toMatchInlineSnapshot(`
      "| case | text | learned |
      |---|---|---|
      | night | 20.00 / 0.400 | 22.00 / 0.440 |
      | dusk | 24.00 / 0.480 | 25.00 / 0.500 |
      | grade | 10.00 / 0.200 | 30.00 / 0.600 |"
    `);
  });
});

describe("a report of a fit and learning", () => {
  const report = (fitted: readonly [cubic: number, local: number][], learned: readonly number[]) =>
    makeReport(
      {
        set: "set",
        model,
        clip: null,
        settings: {},
        seeds: [0],
        cases: learned.map((_, i) => files(`case ${i}`)),
        methods: parseMethods("fit,learned"),
      },
      {
        complete: true,
        finished: learned.flatMap((psnr, i) => [
          work(`case ${i}`, "fit-cubic", 0, fitted[i]![0]),
          work(`case ${i}`, "fit-local", 0, fitted[i]![1]),
          work(`case ${i}`, "learned", 0, psnr),
        ]),
      },
    );

  it("starts with where the better fit of each case is closer", () => {
    const lost = report(
      [
        [30, 36],
        [38, 31],
      ],
      [30, 28],
    );
    expect(reportText(lost, "plain").split("\n")[0]).toBe(
      "The fit wins: the better fit (fit-cubic or fit-local, selected by the true edit) is closer to the true edit than learned on 2 of 2 cases, by 8.00 dB [6.00, 10.00] on average.",
    );
  });

  it("starts with where learning is closer", () => {
    const won = report(
      [
        [10, 14],
        [18, 11],
      ],
      [22, 17],
    );
    expect(won.finding).toBe(
      "learned is closer to the true edit than the better fit (fit-cubic or fit-local, selected by the true edit) on 1 of 2 cases, by 3.50 dB [−1.00, 8.00] on average.",
    );
  });

  it("comes first in the model card, by group, before the tables of metrics and cost", () => {
    const card = evaluationMarkdown(report([[10, 14]], [22]));
    expect(card.split("\n\n")[0]).toMatch(
      /^- all: learned is closer to the true edit than the better fit .* by 8\.00 dB/,
    );
    expect(card).toContain("style distance");
    expect(card).toContain("| learned | 1,300 + 4 | 20 + 0.50 |");
  });

  it("shows each method's cost, once and for each photo", () => {
    const [heading, , row] = reportText(report([[10, 14]], [22]), "markdown")
      .split("\n\n")[1]!
      .split("\n");
    expect(heading).toContain("| UNet evaluations, once + per photo | seconds, once + per photo |");
    expect(row).toContain("| 1,300 + 4 | 20 + 0.50 |");
  });
});

describe("a report of ablations", () => {
  const ablations = chooseAblations("clip");
  const finished = [
    ...[
      work("night", "", 0, 20),
      work("night", "", 1, 22),
      work("grade", "", 0, 30),
      work("grade", "", 1, 30),
    ].map((one) => ({ ablation: "clip", variant: "with", work: one })),
    ...[
      work("night", "", 0, 19),
      work("night", "", 1, 21),
      work("grade", "", 0, 28),
      work("grade", "", 1, 26),
    ].map((one) => ({ ablation: "clip", variant: "without", work: one })),
  ];
  const subject = {
    set: "set",
    model,
    clip: null,
    side: 64,
    cases: ["night", "grade"],
    seeds: [0, 1],
    ablations,
  };
  const report = makeAblationReport(subject, { finished, complete: true });

  it("gives each variant's mean and its difference to the baseline, case by case", () => {
    expect(ablationText(report, "markdown").split("\n\n")[2]).toMatchInlineSnapshot(`
      "|  | PSNR dB | SSIM | UNet evaluations, once + per photo | seconds, once + per photo |
      |---|---|---|---|---|
      | with L_clip (default) | 25.50 [21.00, 30.00] | 0.510 [0.420, 0.600] | 1,300 + 4 | 20 + 0.50 |
      | without L_clip | 23.50, −2.00 [−3.00, −1.00] | 0.470, −0.040 [−0.060, −0.020] | 1,300 + 4 | 20 + 0.50 |"
    `);
  });

  it("draws the difference with its interval", async () => {
    const svg = await ablationChart(report.ablations[0]!, "psnr");
    expect(svg).toContain("without L_clip: −2.00.");
    expect(svg).toContain("PSNR, dB: difference to");
    expect(await ablationChart(report.ablations[0]!, "visualClip")).toBeUndefined();
  });

  it("names the incomplete tables", () => {
    const cut = makeAblationReport(subject, { finished: finished.slice(0, 7), complete: false });
    expect(cut.ablations[0]!.complete).toBe(false);
    expect(ablationText(cut, "plain")).toContain("With and without the CLIP loss (incomplete)");
  });
});
