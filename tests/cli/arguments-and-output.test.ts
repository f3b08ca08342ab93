import { describe, expect, it } from "vitest";
import { collectPairs } from "../../cli/collect-pairs.ts";
import { Interrupted } from "../../cli/interrupted.ts";
import { outputPaths } from "../../cli/output-paths.ts";
import { byteSize, finiteNumber, interval, oneOf, wholeNumber } from "../../cli/parse-values.ts";
import { drawBar, ProgressBar, progressText, showDuration } from "../../cli/progress-bar.ts";
import { explainFailure } from "../../cli/report-failure.ts";
import { shellWords } from "../../cli/shell-words.ts";
import type { ReadableFormat } from "../../engine/images/image-format.ts";
import { InternalError, RetryableError, VisibleError } from "../../shared/errors.ts";

describe("collectPairs", () => {
  it("takes two arguments for each --pair and keeps the order of the rest", () => {
    const argv = ["learn", "--pair", "a", "b", "--steps", "5", "--pair", "c", "-d.png", "--out", "x"];
    expect(collectPairs(argv)).toEqual({
      pairs: [
        { before: "a", after: "b" },
        { before: "c", after: "-d.png" },
      ],
      rest: ["learn", "--steps", "5", "--out", "x"],
    });
  });

  it("stops at --", () => {
    expect(collectPairs(["learn", "--", "--pair", "a"])).toEqual({
      pairs: [],
      rest: ["learn", "--", "--pair", "a"],
    });
  });

  it.each([
    [["--pair"]],
    [["--pair", "a"]],
    [["--pair", "a", "--out", "x"]],
    [["--pair=a", "b"]],
    [["--pair", "a", "b", "c"]],
  ])("rejects %j", (argv) => expect(() => collectPairs(argv)).toThrow(VisibleError));
});

describe("option values", () => {
  it.each(["", "-1", "1.5", "1e3", "0x10", "9007199254740993", "NaN", "five"])(
    "%j is not a whole number",
    (text) => {
      expect(() => wholeNumber("--seed", 0)(text)).toThrow(/--seed is/);
    },
  );

  it("a memory size is a number with a unit", () => {
    const sizes = ["14GB", "8 GiB", "1.5GB", "512MiB"].map(byteSize("--memory"));
    expect(sizes).toEqual([14e9, 8 * 2 ** 30, 1.5e9, 2 ** 29]);
    for (const text of ["", "14", "GB", "0GB", "-1GB", "14TB", "1e3GB"])
      expect(() => byteSize("--memory")(text)).toThrow(/--memory is ".*"; it must be a positive size/);
  });

  it("whole numbers have a minimum", () => {
    expect(wholeNumber("--seed", 0)("0")).toBe(0);
    expect(() => wholeNumber("--steps", 1)("0")).toThrow(/at least 1/);
  });

  it.each(["", " ", "NaN", "Infinity", "-Infinity", "7,5"])("%j is not a finite number", (text) => {
    expect(() => finiteNumber("--text-guidance")(text)).toThrow(/--text-guidance is/);
  });

  it("finite numbers may be negative", () => expect(finiteNumber("--text-guidance")("-1.5")).toBe(-1.5));

  it("an interval has two ends from 0 to 1, in order", () => {
    expect(interval("--guidance-interval")("0, 0.75")).toEqual([0, 0.75]);
    expect(interval("--guidance-interval")("0.5,0.5")).toEqual([0.5, 0.5]);
    for (const text of ["", ",", "0.5", "0,", "0,1,1", "0.8,0.2", "-0.1,1", "0,1.1", "a,b", "0;1"])
      expect(() => interval("--guidance-interval")(text)).toThrow(
        `--guidance-interval is "${text}"; it must be two numbers from 0 to 1, the first at most the second, such as 0.2,0.8.`,
      );
  });

  it("a choice is one of the listed values", () => {
    expect(oneOf("--noise", ["fixed", "fresh"])("fresh")).toBe("fresh");
    expect(() => oneOf("--noise", ["fixed", "fresh"])("toString")).toThrow(/one of fixed, fresh/);
  });
});

describe("the progress bar", () => {
  const record = (isTTY: boolean) => {
    const written: string[] = [];
    let seconds = 0;
    const bar = new ProgressBar(
      { write: (text: string) => written.push(text), isTTY, columns: 60 },
      () => seconds,
    );
    return { bar, written, wait: (by: number) => (seconds += by) };
  };

  it("shows stage, step, loss and remaining time", () => {
    expect(progressText({ stage: "learning", step: 3, steps: 10, loss: 0.12345, etaSeconds: 65 })).toBe(
      "learning  step 3/10  loss 0.1235  1 min 05 s left",
    );
  });

  it.each([
    [0, "0 s"],
    [59.4, "59 s"],
    [60, "1 min 00 s"],
    [3725, "1 h 02 min"],
  ])("%d s read as %s", (seconds, text) => {
    expect(showDuration(seconds)).toBe(text);
  });

  it("fills evenly", () => {
    expect(drawBar(0, 4)).toBe("····");
    expect(drawBar(0.5, 4)).toBe("██··");
    expect(drawBar(1, 4)).toBe("████");
    expect(drawBar(2, 4)).toBe("████");
  });

  it("without a terminal, writes a line every five seconds and at the start and end of each stage", () => {
    const { bar, written, wait } = record(false);
    for (let step = 0; step <= 20; step++, wait(1)) bar.update({ stage: "learning", step, steps: 20 });
    expect(written.map((line) => line.match(/step (\d+)/)?.[1])).toEqual(["0", "5", "10", "15", "20"]);
    expect(written.join("")).not.toContain("\x1b");
  });

  it("redraws in place on a terminal, within its width, and clears itself for notes", () => {
    const { bar, written } = record(true);
    bar.update({ stage: "a stage with a rather long name", step: 1, steps: 3, loss: 1, etaSeconds: 9999 });
    expect(written[0]!.startsWith("\r\x1b[2K")).toBe(true);
    expect(written[0]!.length).toBeLessThanOrEqual(5 + 59);
    bar.note("a note");
    expect(written.slice(1)).toEqual(["\r\x1b[2K", "a note\n"]);
  });
});

describe("outputPaths", () => {
  const input = (path: string, format: ReadableFormat = "png") => ({ path, format });

  it("keeps name and format, which is that of the bytes", () => {
    expect(outputPaths([input("in/a.JPG", "jpeg"), input("b.png", "webp")], "out", 1)).toEqual([
      ["out/a.JPG"],
      ["out/b.webp"],
    ]);
  });

  it("writes JPEG for HEIC and PNG for TIFF", () => {
    expect(outputPaths([input("a.HEIC", "heic"), input("b.tif", "tiff")], "out", 1)).toEqual([
      ["out/a.jpg"],
      ["out/b.png"],
    ]);
  });

  it("numbers variations and inputs with the same name", () => {
    expect(outputPaths([input("x/a.png"), input("y/a.png")], "out", 2)).toEqual([
      ["out/a.png", "out/a-2.png"],
      ["out/a-edited.png", "out/a-2-edited.png"],
    ]);
  });

  it("never returns the path of an input", () => {
    expect(outputPaths([input("a.png"), input("./a-edited.png")], ".", 1)).toEqual([
      ["a-edited-2.png"],
      ["a-edited-edited.png"],
    ]);
  });
});

describe("explainFailure", () => {
  it.each([
    [new VisibleError("image_not_found", "There is no file x."), 1, "There is no file x."],
    [new VisibleError("invalid_option", "--steps is 0."), 2, "--steps is 0."],
    [new VisibleError("invalid_steps", "Sampling steps are 0."), 2, "Sampling steps are 0."],
    [new RetryableError("the device is busy"), 1, "the device is busy"],
    [new Interrupted("Stopped."), 130, "Stopped."],
  ])("%o", (error, exitCode, message) => {
    expect(explainFailure(error, false)).toEqual({ exitCode, message });
  });

  it("reports a bug in one line, with the stack trace only if verbose", () => {
    const bug = new InternalError("shape [2] is not [3]", { cause: new Error("deep down") });
    expect(explainFailure(bug, false).message).toBe(
      "internal: shape [2] is not [3] (a bug in visii; run with --verbose for details to report)",
    );
    expect(explainFailure(new TypeError("x is undefined"), false).message).toMatch(
      /^internal: x is undefined \(/,
    );
    expect(explainFailure(bug, true).message).toMatch(/\n\s+at [\s\S]*caused by Error: deep down/);
  });
});

describe("shellWords", () => {
  it("quotes what a shell would split", () => {
    expect(shellWords(["visii", "a b.png", "it's", "--steps", "5"])).toBe(
      "visii 'a b.png' 'it'\\''s' --steps 5",
    );
  });
});
