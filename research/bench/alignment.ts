import type { CaseFiles } from "../../engine/evaluation/evaluation-case.ts";
import { openCase } from "../../engine/evaluation/open-case.ts";
import { createRgbImage, cropImage, type RgbImage } from "../../engine/images/rgb-image.ts";
import { comparePair, type PairStructure } from "../../engine/pairs/pair-structure.ts";

/** Number of pairs that the pair check warns about. */
interface AlignmentCount {
  readonly name: string;
  readonly pairs: number;
  readonly warned: number;
}

interface Picture {
  readonly name: string;
  readonly before: RgbImage;
  readonly after: RgbImage;
}

/** Misaligns a pair. `others` are pairs of the same edit on other photos. */
type Spoil = (
  picture: Picture,
  others: readonly Picture[],
  index: number,
) => Pick<Picture, "before" | "after">;

const spoils: Readonly<Record<string, Spoil>> = {
  aligned: ({ before, after }) => ({ before, after }),
  "shifted by 3%": shifted(0.03),
  "shifted by 5%": shifted(0.05),
  "shifted by 10%": shifted(0.1),
  "shifted by 20%": shifted(0.2),
  "turned by 3°": ({ before, after }) => ({ before, after: warp(after, { turn: 3, zoom: 1 }) }),
  "turned by 6°": ({ before, after }) => ({ before, after: warp(after, { turn: 6, zoom: 1 }) }),
  "enlarged by 5%": ({ before, after }) => ({ before, after: warp(after, { turn: 0, zoom: 1.05 }) }),
  "enlarged by 10%": ({ before, after }) => ({ before, after: warp(after, { turn: 0, zoom: 1.1 }) }),
  "enlarged by 20%": ({ before, after }) => ({ before, after: warp(after, { turn: 0, zoom: 1.2 }) }),
  "turned by 90°": ({ before, after }) => ({ before, after: warp(after, { turn: 90, zoom: 1 }) }),
  mirrored: ({ before, after }) => ({ before, after: mirror(after) }),
  "another photo": ({ before }, others, index) => ({
    before,
    after: others[(index + 1) % others.length]!.after,
  }),
};

/** Checks every image of the cases with its true edit, aligned and with every kind of misalignment. */
export async function countAlignmentWarnings(
  cases: readonly CaseFiles[],
  onWarning: (what: string, structure: PairStructure) => void = () => undefined,
): Promise<readonly AlignmentCount[]> {
  const counts = new Map(Object.keys(spoils).map((name) => [name, { pairs: 0, warned: 0 }]));
  for (const files of cases) {
    const { name, pairs, tests } = await openCase(files);
    const pictures: Picture[] = [
      ...pairs.map((pair, index) => ({ name: `pair ${index + 1}`, ...pair })),
      ...tests.flatMap(({ name: test, photo, truth }) =>
        truth ? [{ name: test, before: photo, after: truth }] : [],
      ),
    ];
    for (const [index, picture] of pictures.entries())
      for (const [way, spoil] of Object.entries(spoils)) {
        const { before, after } = spoil(picture, pictures, index);
        const structure = comparePair(before, after);
        const count = counts.get(way)!;
        count.pairs += 1;
        if (structure.kind === "aligned" || structure.kind === "unknown") continue;
        count.warned += 1;
        onWarning(`${way}: ${name}, ${picture.name}`, structure);
      }
  }
  return [...counts].map(([name, count]) => ({ name, ...count }));
}

/** Two diagonally offset crops of the pair; every second time only a horizontal offset. */
function shifted(share: number): Spoil {
  return ({ before, after }, _, index) => {
    const dx = Math.round(share * before.width);
    const dy = index % 2 ? 0 : Math.round(share * before.height);
    const size = { width: before.width - dx, height: before.height - dy };
    return {
      before: cropImage(before, { left: 0, top: 0, ...size }),
      after: cropImage(after, { left: dx, top: dy, ...size }),
    };
  };
}

function mirror(image: RgbImage): RgbImage {
  const { width, height, data } = image;
  const column = (i: number) => width - 1 - (i % width);
  return createRgbImage(
    width,
    height,
    data.map((_, i) => data[Math.floor(i / width) * width + column(i)]!),
  );
}

/** Rotates by degrees around the center and enlarges, bilinear, with edge pixels repeated outside. */
function warp({ width, height, data }: RgbImage, { turn, zoom }: { turn: number; zoom: number }): RgbImage {
  const [cos, sin] = [Math.cos((turn * Math.PI) / 180) / zoom, Math.sin((turn * Math.PI) / 180) / zoom];
  const result = new Float32Array(data.length);
  const clamp = (value: number, limit: number) => Math.min(limit - 1, Math.max(0, value));
  for (let channel = 0; channel < 3; channel++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const [dx, dy] = [x - (width - 1) / 2, y - (height - 1) / 2];
        const sx = clamp(cos * dx - sin * dy + (width - 1) / 2, width);
        const sy = clamp(sin * dx + cos * dy + (height - 1) / 2, height);
        const [left, top] = [Math.floor(sx), Math.floor(sy)];
        const at = (px: number, py: number) =>
          data[(channel * height + clamp(py, height)) * width + clamp(px, width)]!;
        const [u, v] = [sx - left, sy - top];
        const upper = at(left, top) * (1 - u) + at(left + 1, top) * u;
        const lower = at(left, top + 1) * (1 - u) + at(left + 1, top + 1) * u;
        result[(channel * height + y) * width + x] = upper * (1 - v) + lower * v;
      }
  return createRgbImage(width, height, result);
}
