import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { applyFit, fitEdit } from "../../../engine/baselines/fit-edit.ts";
import type { CaseFiles, OpenCase } from "../../../engine/evaluation/evaluation-case.ts";
import { openCase } from "../../../engine/evaluation/open-case.ts";
import { readSet } from "../../../engine/evaluation/read-set.ts";
import { psnr } from "../../../engine/image-quality/psnr.ts";
import { readModelFolder } from "../../../engine/pipeline/model-folder.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const folder = `${root}evaluation-set`;
const digest = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

/**
 * The model card's figures are means over these cases, so no file may change.
 */
describe("the bundled evaluation set", () => {
  let cases: CaseFiles[];
  let opened: OpenCase[];
  beforeAll(async () => {
    cases = await readSet(folder);
    opened = await Promise.all(cases.map((files) => openCase(files)));
  });

  it("has at least 24 edits, half of them held out, six of those of held-out families of filters", () => {
    expect(cases.length).toBeGreaterThanOrEqual(24);
    const of = (words: string) =>
      cases.filter(({ description }) => description.group?.includes(words)).length;
    expect(of("held")).toBeGreaterThanOrEqual(cases.length / 2);
    expect(of("held-out family")).toBeGreaterThanOrEqual(6);
    expect(cases.every(({ description }) => description.group && description.texts)).toBe(true);
  });

  it("has two thirds of its edits that no fit of colors reaches", () => {
    const within = opened.filter(({ pairs: [pair], tests }) => {
      const fit = fitEdit([pair], "cubic");
      const closeness = tests.map(({ photo, truth }) => psnr(applyFit(fit, photo), truth!));
      return closeness.reduce((sum, value) => sum + value) / closeness.length >= 25;
    });
    expect(within.length).toBeLessThanOrEqual(cases.length / 3);
  });

  it("has the same two pairs and the same photos with true edits for every edit", () => {
    const photosOf = ({ pairs, tests }: CaseFiles) => [
      ...pairs.map(({ before }) => digest(before)),
      ...tests.map(({ name, photo }) => `${name} ${digest(photo)}`),
    ];
    for (const files of cases) {
      expect(files.pairs, files.name).toHaveLength(2);
      expect(files.tests.length, files.name).toBeGreaterThanOrEqual(6);
      expect(files.tests.filter(({ truth }) => truth === undefined)).toEqual([]);
      expect(photosOf(files), files.name).toEqual(photosOf(cases[0]!));
    }
  });

  it("shares no photo between pairs and tests", () => {
    const shown = new Set(cases[0]!.pairs.map(({ before }) => digest(before)));
    expect(cases[0]!.tests.filter(({ photo }) => shown.has(digest(photo)))).toEqual([]);
  });

  it("has images of one size, and edits that change something", () => {
    for (const { name, pairs, tests } of opened) {
      for (const image of [
        ...pairs,
        ...tests.map(({ photo, truth }) => ({ before: photo, after: truth! })),
      ]) {
        const { before, after } = image;
        expect([before.width, before.height, after.width, after.height], name).toEqual([256, 256, 256, 256]);
        // Some edits hardly change a rocket at night. Two encodings of one image would have 60 dB.
        expect(psnr(before, after), name).toBeLessThan(35);
      }
    }
  });

  it("has texts that the bundled model's tokenizer does not truncate", async () => {
    const { tokenizer } = await readModelFolder(`${root}models/mini`);
    const texts = cases.flatMap(({ description }) => description.texts!);
    expect(texts.filter((text) => tokenizer.encode(text).truncatedText !== undefined)).toEqual([]);
  });

  it("names the license of every photo", () => {
    const licences = readFileSync(`${folder}/LICENSES.md`, "utf8").split("\n");
    const licenceOf = (file: string) => licences.find((line) => line.startsWith("- ") && line.includes(file));
    const { pairs, tests } = cases[0]!;
    for (const file of [
      ...pairs.map(({ before }) => `\`pairs/${basename(before.replace(/\/before\..*$/, ""))}/\``),
      ...tests.map(({ name }) => `\`tests/${name}.*\``),
    ])
      expect(licenceOf(file), file).toMatch(/CC0|CC BY|Apache-2\.0|public domain/);
  });
});
