import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { captionsOf } from "../../../engine/evaluation/evaluation-case.ts";
import { methodName, parseMethods, whatIsMissing } from "../../../engine/evaluation/method.ts";
import { openCase } from "../../../engine/evaluation/open-case.ts";
import { readSet } from "../../../engine/evaluation/read-set.ts";
import { waves } from "../images/drawn-images.ts";
import { makeSet, type SetContents, twoCases } from "./make-set.ts";

describe("an evaluation set", () => {
  it("is read case by case, in natural order, with pairs from the case or from pairs/", async () => {
    const set = await makeSet(twoCases());
    await writeFile(join(set, "README.md"), "what this set is");
    await writeFile(join(set, "one", ".DS_Store"), "");
    const [one, two] = await readSet(set);
    expect(one).toMatchObject({ name: "one", description: { words: "in red" } });
    expect(one!.pairs).toEqual([{ before: join(set, "one/before.png"), after: join(set, "one/after.png") }]);
    expect(one!.tests.map(({ name, truth }) => [name, truth !== undefined])).toEqual([
      ["10", false],
      ["lake & hill", true],
    ]);
    expect(two!.pairs.map(({ before }) => before)).toEqual(
      ["01", "02"].map((pair) => join(set, "two/pairs", pair, "before.png")),
    );
  });

  it("resizes true edits to their photos, and large photos to a working size", async () => {
    const { pictures } = twoCases();
    const set = await makeSet({
      pictures: {
        "one/before.png": pictures["one/before.png"]!,
        "one/after.png": pictures["one/after.png"]!,
        "one/tests/a.png": waves(2048, 1024),
        "one/truth/a.png": waves(200, 100),
      },
    });
    const [files] = await readSet(set);
    const { tests } = await openCase(files!);
    const [{ photo, truth }] = tests as [(typeof tests)[0]];
    expect([photo.width, photo.height, truth!.width, truth!.height]).toEqual([1024, 512, 1024, 512]);
  });

  it("has a digest that changes with any image or word", async () => {
    const contents = twoCases();
    const digest = async (changed: SetContents) => {
      const [files] = await readSet(await makeSet(changed));
      return (await openCase(files!)).digest;
    };
    const first = await digest(contents);
    expect(await digest(contents)).toBe(first);
    const pictures = { ...contents.pictures, "one/tests/10.png": waves(64, 48, 3) };
    expect(await digest({ ...contents, pictures })).not.toBe(first);
    expect(await digest({ ...contents, descriptions: { one: { words: "in red" } } })).not.toBe(first);
  });

  it("uses a photo's own captions first, then the case's, and only both together", () => {
    const description = twoCases().descriptions!.one as Parameters<typeof captionsOf>[0];
    expect(captionsOf(description, "10")).toEqual({ before: "a photo", after: "a negative" });
    expect(captionsOf(description, "lake & hill")).toBeUndefined();
  });
});

describe("is rejected in a sentence that names the location:", () => {
  const image = waves(16, 16);
  const whole = { "a/before.png": image, "a/after.png": image, "a/tests/x.png": image };
  const without = (path: string) =>
    Object.fromEntries(Object.entries(whole).filter(([name]) => name !== path));
  it.each<[string, SetContents, RegExp]>([
    ["an empty set", { pictures: {} }, /set contains no cases/],
    ["a case given as a set", { pictures: { "before.png": image, "tests/x.png": image } }, /single case/],
    ["no after", { pictures: without("a/after.png") }, /set\/a has before but no after/],
    ["no pair", { pictures: { "a/tests/x.png": image } }, /set\/a has no pair/],
    ["no test photo", { pictures: without("a/tests/x.png") }, /no photo to edit/],
    [
      "two files of one name",
      { pictures: { ...whole, "a/before.jpg": image } },
      /before\.png have the same name/,
    ],
    [
      "two photos of one name",
      { pictures: { ...whole, "a/tests/x.jpg": image } },
      /x\.png have the same name/,
    ],
    [
      "a truth of no photo",
      { pictures: { ...whole, "a/truth/y.png": image } },
      /truth\/y\.png has no matching photo/,
    ],
    [
      "a folder of another name",
      { pictures: { ...whole, "a/truths/x.png": image } },
      /a\/truths is not a valid folder of a case/,
    ],
    [
      "a pair without its folder",
      { pictures: { ...whole, "a/pairs/before.png": image } },
      /pairs\/01\/before/,
    ],
    [
      "an empty pair",
      { pictures: { ...whole, "a/pairs/2/old.png": image } },
      /pairs\/2 has no before and after/,
    ],
    ["a misspelt key", { pictures: whole, descriptions: { a: { text: ["x"] } } }, /case\.json: .*"text"/],
    ["no texts", { pictures: whole, descriptions: { a: { texts: [] } } }, /case\.json: texts: /],
    [
      "captions of no photo",
      { pictures: whole, descriptions: { a: { tests: { z: {} } } } },
      /caption for "z"/,
    ],
  ])("%s", async (_, contents, message) => {
    const reading = readSet(await makeSet(contents));
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toMatchObject({ name: "VisibleError", code: "invalid_set" });
  });

  it("a missing folder, a file, invalid JSON", async () => {
    const set = await makeSet({ pictures: whole });
    await expect(readSet(join(set, "none"))).rejects.toMatchObject({ code: "set_not_found" });
    await expect(readSet(join(set, "a/before.png"))).rejects.toMatchObject({ code: "set_not_found" });
    await writeFile(join(set, "a/case.json"), "{");
    await expect(readSet(set)).rejects.toThrow(/case\.json: not valid JSON/);
  });

  it("files that are not images, images that do not align, and images that are too small", async () => {
    const open = async (change: SetContents["pictures"], file?: string) => {
      const set = await makeSet({ pictures: { ...whole, ...change } });
      if (file !== undefined) await writeFile(join(set, file), "no picture at all");
      const [files] = await readSet(set);
      return openCase(files!);
    };
    await expect(open({}, "a/tests/notes.txt")).rejects.toThrow(/tests\/notes\.txt is not a supported image/);
    await expect(open({ "a/after.png": waves(16, 32) })).rejects.toMatchObject({
      code: "pair_aspect_mismatch",
    });
    await expect(open({ "a/truth/x.png": waves(32, 16) })).rejects.toThrow(
      /a true edit must have the aspect ratio of its photo/,
    );
    await expect(open({ "a/tests/x.png": waves(10, 20) })).rejects.toThrow(/at least 11 pixels/);
    await expect(open({ "a/tests/x.png": waves(200, 16) })).rejects.toThrow(/longer than 8:1/);
  });
});

describe("methods", () => {
  it("are parsed in order, without duplicates", () => {
    expect(parseMethods("learned, text,learned-1,learned-4")).toEqual([
      { kind: "learned", pairs: 1 },
      { kind: "text" },
      { kind: "learned", pairs: 4 },
    ]);
    expect(parseMethods("learned-kv,learned,learned-kv-4").map(methodName)).toEqual([
      "learned-kv",
      "learned",
      "learned-kv-4",
    ]);
  });

  it.each(["", "learnt", "learned-2-kv", "learned-0", "learned-", "text,,learned"])("reject %o", (list) => {
    expect(() => parseMethods(list)).toThrow(/Unknown method ".*"; use unedited, text/);
  });

  it("report what a case lacks for them", () => {
    const bare = { pairs: [1, 2], description: {} };
    const missing = parseMethods("unedited,text,hybrid,learned-2,learned-3").map((method) =>
      whatIsMissing(method, bare),
    );
    expect(missing).toEqual([
      undefined,
      'no "texts" in case.json',
      'no "words" in case.json',
      undefined,
      "2 of 3 pairs",
    ]);
  });
});
