import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { replaceMarked } from "../../docs/marked-text.ts";
import { findingsMarkdown } from "../../docs/paper-findings.ts";
import { makeAblationReport } from "../../research/ablation/ablation-report.ts";
import { ablations, chooseAblations } from "../../research/ablation/ablations.ts";
import type { FinishedCell } from "../../research/ablation/run-ablations.ts";
import { noCost, noScores } from "../engine/evaluation/made-up-results.ts";

const document = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

describe("text between markers", () => {
  it("is replaced without changing the rest", () => {
    const text = "a\n<!-- x -->\nold\n<!-- end of x -->\nb";
    expect(replaceMarked(text, "x", "new")).toBe("a\n<!-- x -->\n\nnew\n\n<!-- end of x -->\nb");
  });

  it("exists in the documents for every ablation and for the model card", () => {
    for (const { name } of ablations) replaceMarked(document("docs/evaluation.md"), `ablation ${name}`, "");
    replaceMarked(document("docs/evaluation.md"), "findings", "");
    replaceMarked(document("models/mini/README.md"), "evaluation", "");
    expect(() => replaceMarked(document("docs/evaluation.md"), "ablation none", "")).toThrow(
      /The lines <!-- ablation none -->/,
    );
  });
});

describe("the paper's directions", () => {
  /** Two cases whose PSNR under "1" is 20 and 30, and under 2 pairs higher by `gains`. */
  const cells = (gains: readonly [number, number]): FinishedCell[] =>
    ["1", "2"].flatMap((variant) =>
      ["a", "b"].map((name, index): FinishedCell => {
        const psnr = 20 + 10 * index + (variant === "1" ? 0 : gains[index]!);
        const scores = { ...noScores, psnr };
        return {
          ablation: "pairs",
          variant,
          work: {
            case: name,
            method: "learned",
            seed: 0,
            cost: noCost,
            tests: [{ name: "photo", picture: "", scores }],
          },
        };
      }),
    );
  const subject = {
    set: "set",
    model: { id: "made up", weightHash: "0" },
    clip: null,
    side: null,
    seeds: [0],
  };
  const verdicts = (finished: readonly FinishedCell[], before = "") =>
    findingsMarkdown(
      makeAblationReport(
        { ...subject, cases: ["a", "b"], ablations: chooseAblations("pairs,clip") },
        { finished, complete: true },
      ),
      before,
    );

  it.each([
    [[1, 2], "PSNR +1.50 [+1.00, +2.00] dB | reproduced"],
    [[-1, 2], "PSNR +0.50 [−1.00, +2.00] dB | not shown"],
    [[-1, -2], "PSNR −1.50 [−2.00, −1.00] dB | the contrary"],
  ] as const)("with gains of %j: %s", (gains, line) => {
    expect(verdicts(cells(gains))).toContain(`more pairs help modestly (2 against 1) | ${line} |`);
  });

  it("are not judged by an incomplete ablation", () => {
    expect(verdicts(cells([1, 2]).slice(1))).toContain("(2 against 1) | – | not run |");
    expect(verdicts(cells([1, 2]))).toContain("helps the direction of the edit | – | not run |");
  });

  it("keep an earlier report's line for an ablation that was not run", () => {
    const earlier = verdicts(cells([1, 2]));
    expect(verdicts([], earlier)).toBe(earlier);
    expect(verdicts(cells([-1, -2]), earlier)).toContain("(2 against 1) | PSNR −1.50 [−2.00, −1.00] dB |");
  });
});
