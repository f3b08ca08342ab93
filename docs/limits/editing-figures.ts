import { decodeImage } from "../../engine/images/decode-image.ts";
import { renderSvg } from "../../engine/images/render-svg.ts";
import { resizeImage } from "../../engine/images/resize-image.ts";
import { cropImage, type RgbImage } from "../../engine/images/rgb-image.ts";
import { drawText } from "../../engine/images/text-outlines.ts";
import { demoPair } from "./learning-figures.ts";
import { decibels, type Studio } from "./studio.ts";

/**
 * A face and letters, through the autoencoder alone and edited, at two sizes: enlarged parts of the results.
 */
export async function drawDetail(studio: Studio): Promise<void> {
  const instruction = await studio.learn("demo", [await demoPair(studio)]);
  const rows = [];
  for (const [name, picture, part] of [
    ["a face", (side: number) => studio.photo("astronaut.jpg", side), { left: 0.3, top: 0.08, size: 0.42 }],
    ["letters", (side: number) => letters(side), { left: 0, top: 0.3, size: 0.6 }],
  ] as const)
    for (const side of [128, 256]) {
      const photo = await picture(side);
      const cut = (image: RgbImage) => enlargedPart(image, part);
      const through = await studio.roundTrip(photo);
      rows.push([
        { image: cut(photo), caption: `${name}, ${photo.width}×${photo.height}` },
        { image: cut(through), caption: decibels(through, photo) },
        { image: cut(await studio.apply(instruction, photo)) },
      ]);
    }
  await studio.draw("limits-detail", {
    title: "Faces and letters",
    sections: [{ columns: ["photo, enlarged", "through the autoencoder", "edited"], rows }],
    footer:
      "PSNR of the autoencoder's round trip. What visii apply writes has the photo's own size and detail put back.",
  });
}

/** One instruction under rising guidance. */
export async function drawGuidance(studio: Studio): Promise<void> {
  const instruction = await studio.learn("demo", [await demoPair(studio)]);
  const [photo, truth] = [await studio.photo("flower.jpg"), await studio.photo("truth/flower.png")];
  const texts = [0, 0.5, 1, 1.5, 2.5, 5];
  const rows = [];
  for (const imageGuidance of [0.7, 1, 1.5]) {
    const cells = [];
    for (const textGuidance of texts) {
      const image = await studio.apply(instruction, photo, { textGuidance, imageGuidance });
      cells.push({ image, caption: `image guidance ${imageGuidance}: ${decibels(image, truth)}` });
    }
    rows.push(cells);
  }
  await studio.draw("limits-guidance", {
    title: "Guidance too low and too high",
    subtitle: `Learned and best applied at 1 / 1. Unedited: ${decibels(photo, truth)}.`,
    sections: [{ columns: texts.map((text) => `text guidance ${text}`), rows }],
    footer: "PSNR to the true edit.",
  });
}

/** Steps of learning and of sampling. */
export async function drawSteps(studio: Studio): Promise<void> {
  const pair = await demoPair(studio);
  const [photo, truth] = [await studio.photo("flower.jpg"), await studio.photo("truth/flower.png")];
  const counts = [0, 10, 30, 80, 300];
  const learning = [];
  for (const steps of counts) {
    const instruction = await studio.learn("demo", [pair], steps);
    const image = await studio.apply(instruction, photo);
    learning.push({ image, caption: decibels(image, truth) });
  }
  const instruction = await studio.learn("demo", [pair]);
  const samplings = [1, 2, 4, 8, 20];
  const sampling = [];
  for (const steps of samplings) {
    const image = await studio.apply(instruction, photo, { steps });
    sampling.push({ image, caption: decibels(image, truth) });
  }
  await studio.draw("limits-steps", {
    title: "Too few steps, and too many",
    subtitle: `Unedited: ${decibels(photo, truth)}.`,
    sections: [
      {
        title: "Steps of learning, from the pair encoder's rows",
        columns: counts.map(String),
        rows: [learning],
      },
      { title: "Steps of an edit", columns: samplings.map(String), rows: [sampling] },
    ],
    footer: "PSNR to the true edit.",
  });
}

/** Lines of text of falling size, dark on light. */
async function letters(side: number): Promise<RgbImage> {
  const lines = [24, 16, 11, 8].map((size, index) =>
    drawText("visii 3.14", { x: 6, y: 30 + index * 26, size, weight: "regular", fill: "#203040" }),
  );
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="128" height="128"><rect width="128" height="128" fill="#f0e8d8"/>${lines.join("")}</svg>`;
  const sized = svg.replace(
    'width="128" height="128">',
    `width="${side}" height="${side}" viewBox="0 0 128 128">`,
  );
  return (await decodeImage(await renderSvg(sized), "letters")).image;
}

function enlargedPart(
  image: RgbImage,
  part: { readonly left: number; readonly top: number; readonly size: number },
) {
  const side = Math.round(part.size * image.width);
  const box = { left: Math.round(part.left * image.width), top: Math.round(part.top * image.height) };
  return resizeImage(cropImage(image, { ...box, width: side, height: side }), 320, 320);
}
