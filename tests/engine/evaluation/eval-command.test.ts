import { readdir, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lastJson, runBin, tinyModel } from "../../cli/run-bin.ts";
import { makeSet, twoCases } from "./make-set.ts";

let cwd: string;
beforeAll(async () => {
  cwd = dirname(await makeSet(twoCases()));
});
afterAll(() => rm(cwd, { recursive: true }));

const visiiEval = (words: readonly string[], interruptAt?: RegExp) =>
  runBin(["eval", ...words], { cwd, ...(interruptAt ? { interruptAt } : {}) });
const quick = ["set", "--model", tinyModel, "--init", "a red apple", "--sampling-steps", "2"];

describe("visii eval", () => {
  it("prints one JSON object, and on a second run a table of the same results", async () => {
    const words = [...quick, "--learning-steps", "3", "--seeds", "2"];
    const first = await visiiEval([...words, "--json"]);
    expect(first.code, first.stderr).toBe(0);
    expect(first.stdout.trimEnd().split("\n")).toHaveLength(1);
    expect(lastJson(first.stdout)).toMatchObject({
      out: "set-results",
      page: "set-results/index.html",
      results: "set-results/results.json",
      reused: 0,
      set: "set",
      model: { id: "tiny-mini" },
      complete: true,
      seeds: [0, 1],
      table: ["unedited", "fit-cubic", "fit-local", "text", "learned"].map((method) => ({ method })),
      differences: { baseline: "text" },
    });
    expect(first.stderr).toMatch(
      /\[1\/12\] one, unedited: editing|\[4\/12\] one, text, seed 0: choosing the text/,
    );
    const again = await visiiEval([...words, "--markdown"]);
    expect(again.stderr).toContain("12 of 12 results are reused from an earlier run.");
    expect(again.stdout).toMatch(/^The fit wins: .*\n\n\| method \| cases \| PSNR dB \|/);
    expect(await readdir(join(cwd, "set-results"))).toEqual(
      expect.arrayContaining(["index.html", "results.json", "pictures"]),
    );
  });

  it("keeps finished results at Ctrl-C, reports them, and prints how to resume", async () => {
    const words = [...quick, "--method", "text,learned", "--learning-steps", "400", "--out", "cut"];
    const { code, stderr, stdout } = await visiiEval(words, /one, learned, seed 0: learning/);
    expect(code, stderr).toBe(130);
    expect(stderr).toMatch(
      /Stopped with 1 results? finished.*run the same command again:\n {2}visii eval set /,
    );
    expect(stdout).toContain("Incomplete: the run was stopped");
    expect(JSON.parse(await readFile(join(cwd, "cut", "results.json"), "utf8"))).toMatchObject({
      complete: false,
      finished: [{ case: "one", method: "text" }],
    });
  });

  it.each([
    [["set", "--method", "guess"], 2, /Unknown method "guess"/],
    [["set", "--method", "learned-9"], 2, /Method learned-9 applies to no case: one has 1 of 9 pairs/],
    [["set", "--seeds", "0"], 2, /--seeds is "0"/],
    [["set", "--out", "set/results"], 2, /is inside the set/],
    [["set", "--out", "set"], 2, /is inside the set/],
    [["nowhere"], 1, /Folder nowhere does not exist/],
    [["set/one"], 1, /set\/one is a single case/],
    [["set", "--model", "nowhere"], 1, /Model folder nowhere does not exist/],
  ])("rejects %j in one sentence", async (words, expected, message) => {
    const { code, stderr, stdout } = await visiiEval(words);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/internal|\n\s+at /);
    expect({ code, stdout }).toEqual({ code: expected, stdout: "" });
  });
});
