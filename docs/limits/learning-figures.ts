import type { RgbImage } from "../../engine/images/rgb-image.ts";
import type { ImagePair } from "../../engine/inversion/image-pair.ts";
import { addSun, mirror, posterize, shiftPair } from "./spoilt-pictures.ts";
import { decibels, type Studio } from "./studio.ts";

/** Edits that the model cannot make, on the pair and on another photo. */
export async function drawUnlearnable(studio: Studio): Promise<void> {
  const [before, photo] = [await studio.photo("before.jpg"), await studio.photo("coffee.jpg")];
  const edits: Readonly<Record<string, (image: RgbImage) => RgbImage>> = {
    mirrored: mirror,
    "a sun added": addSun,
    "three levels a channel": (image) => posterize(image, 3),
  };
  const rows = [];
  for (const [name, makeTrue] of Object.entries(edits)) {
    const pair = { before, after: makeTrue(before) };
    const instruction = await studio.learn(name.replaceAll(" ", "-"), [pair]);
    const [own, other] = [await studio.apply(instruction, before), await studio.apply(instruction, photo)];
    const truth = makeTrue(photo);
    rows.push([
      { image: before, caption: name },
      { image: pair.after },
      { image: own, caption: decibels(own, pair.after) },
      { image: photo, caption: `unedited: ${decibels(photo, truth)}` },
      { image: other, caption: decibels(other, truth) },
      { image: truth },
    ]);
  }
  await studio.draw("limits-unlearnable", {
    title: "What it cannot learn",
    sections: [
      {
        columns: [
          "before",
          "after",
          "before, edited by what was learned",
          "another photo",
          "edited by it",
          "what it should be",
        ],
        rows,
      },
    ],
    footer: "PSNR to what it should be.",
  });
}

/** The demo's edit learned from increasingly misaligned pairs. */
export async function drawUnaligned(studio: Studio): Promise<void> {
  const pair = await demoPair(studio);
  const photos = [
    ["flower.jpg", "truth/flower.png"],
    ["astronaut.jpg", "truth/astronaut.png"],
  ] as const;
  const pictures = await Promise.all(
    photos.map(async ([photo, truth]) => ({
      photo: await studio.photo(photo),
      truth: await studio.photo(truth),
    })),
  );
  const columns = ["photo"];
  const rows = pictures.map(({ photo, truth }) => [
    { image: photo, caption: `unedited: ${decibels(photo, truth)}` },
  ]);
  for (const pixels of [0, 2, 4, 8, 16]) {
    const shifted = shiftPair(pair, pixels, studio.pipeline.sizeMultiple);
    const instruction = await studio.learn(pixels ? `demo-shifted-${pixels}` : "demo", [shifted]);
    columns.push(pixels ? `pair shifted by ${pixels} px of ${pair.before.width}` : "pair aligned");
    for (const [index, { photo, truth }] of pictures.entries()) {
      const image = await studio.apply(instruction, photo);
      rows[index]!.push({ image, caption: decibels(image, truth) });
    }
  }
  for (const [index, { truth }] of pictures.entries()) rows[index]!.push({ image: truth, caption: "" });
  await studio.draw("limits-unaligned", {
    title: "A pair that does not align",
    sections: [{ columns: [...columns, "true edit"], rows }],
    footer: "PSNR to the true edit.",
  });
}

/**
 * Colors that are missing from the pair: the demo's edit learned from a pair of few colors, from one of many,
 * and from both.
 */
export async function drawLeakage(studio: Studio): Promise<void> {
  const whole = await demoPair(studio);
  const narrow = {
    before: await studio.photo("mountain.jpg"),
    after: await studio.photo("truth/mountain.png"),
  };
  const ways = {
    "learned from a pair of few colors": await studio.learn("demo-mountain", [narrow]),
    "learned from a pair of many": await studio.learn("demo", [whole]),
    "learned from both": await studio.learn("demo-both", [whole, narrow]),
  };
  const rows = [];
  for (const name of ["flower", "astronaut", "rocket"]) {
    const [photo, truth] = [await studio.photo(`${name}.jpg`), await studio.photo(`truth/${name}.png`)];
    const cells = [{ image: photo, caption: `unedited: ${decibels(photo, truth)}` }];
    for (const instruction of Object.values(ways)) {
      const image = await studio.apply(instruction, photo);
      cells.push({ image, caption: decibels(image, truth) });
    }
    rows.push([...cells, { image: truth }]);
  }
  await studio.draw("limits-leakage", {
    title: "What the pair does not show is guessed",
    sections: [
      {
        title: "Two pairs of one edit",
        columns: ["few colors: before", "after", "many: before", "after"],
        rows: [[narrow.before, narrow.after, whole.before, whole.after].map((image) => ({ image }))],
      },
      { title: "Photos edited", columns: ["photo", ...Object.keys(ways), "true edit"], rows },
    ],
    footer: "PSNR to the true edit.",
  });
}

/** An ambiguous text, and an instruction learned from a pair, each from four noises. */
export async function drawAmbiguousWords(studio: Studio): Promise<void> {
  const instruction = await studio.learn("demo", [await demoPair(studio)]);
  const text = "turn it into a painting";
  const seeds = [0, 1, 2, 3];
  const ways: Readonly<Record<string, (photo: RgbImage, seed: number) => Promise<RgbImage>>> = {
    [`“${text}”`]: (photo, seed) => studio.editByText(text, photo, { seed, noise: "fresh" }),
    "Learned from one pair": (photo, seed) => studio.apply(instruction, photo, { seed, noise: "fresh" }),
  };
  const sections = [];
  for (const [title, makeEdit] of Object.entries(ways)) {
    const rows = [];
    for (const name of ["flower", "astronaut"]) {
      const [photo, truth] = [await studio.photo(`${name}.jpg`), await studio.photo(`truth/${name}.png`)];
      const cells = [];
      for (const seed of seeds) {
        const image = await makeEdit(photo, seed);
        cells.push({ image, caption: decibels(image, truth) });
      }
      rows.push([{ image: photo }, ...cells, { image: truth }]);
    }
    sections.push({ title, columns: ["photo", ...seeds.map((seed) => `noise ${seed}`), "true edit"], rows });
  }
  await studio.draw("ambiguous-words", {
    title: "What words leave open",
    sections,
    footer: "PSNR to the true edit.",
  });
}

export async function demoPair(studio: Studio): Promise<ImagePair> {
  return { before: await studio.photo("before.jpg"), after: await studio.photo("after.png") };
}
