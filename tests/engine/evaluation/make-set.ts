import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { RgbImage } from "../../../engine/images/rgb-image.ts";
import { writeImage } from "../../../engine/images/write-image.ts";
import { negative, waves } from "../images/drawn-images.ts";

/** Images by path within the set, and case descriptions by case. */
export interface SetContents {
  readonly pictures: Readonly<Record<string, RgbImage>>;
  readonly descriptions?: Readonly<Record<string, unknown>>;
}

/** Writes a set into a new folder within a new temporary folder. */
export async function makeSet({ pictures, descriptions = {} }: SetContents): Promise<string> {
  const set = join(await mkdtemp(join(tmpdir(), "visii-eval-")), "set");
  await mkdir(set);
  for (const [path, image] of Object.entries(pictures)) {
    await mkdir(dirname(join(set, path)), { recursive: true });
    await writeImage(join(set, path), image);
  }
  for (const [name, description] of Object.entries(descriptions)) {
    await mkdir(join(set, name), { recursive: true });
    await writeFile(join(set, name, "case.json"), JSON.stringify(description));
  }
  return set;
}

/**
 * Two cases of the same edit, a negative: "one" with a pair, two photos (one with a truth), texts and
 * captions; "two" with two pairs under pairs/, a photo and its truth, and no texts.
 */
export function twoCases(): SetContents {
  const [a, b, c] = [waves(64, 64), waves(64, 64, 1), waves(64, 48, 2)];
  return {
    pictures: {
      "one/before.png": a,
      "one/after.png": negative(a),
      "one/tests/lake & hill.png": b,
      "one/tests/10.png": c,
      "one/truth/lake & hill.png": negative(b),
      "two/pairs/01/before.png": b,
      "two/pairs/01/after.png": negative(b),
      "two/pairs/02/before.png": a,
      "two/pairs/02/after.png": negative(a),
      "two/tests/c.png": c,
      "two/truth/c.png": negative(c),
    },
    descriptions: {
      one: {
        texts: ["make it red", "make it a negative"],
        words: "in red",
        caption_before: "a photo",
        tests: { "10": { caption_after: "a negative" } },
      },
    },
  };
}
