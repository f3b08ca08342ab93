import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../engine/random/seeded-random.ts";
import { readImageHeader } from "../../shared/image-header.ts";
import { heicPhoto, picture } from "../functions/test-images.ts";

describe("an image's header", () => {
  it.each(["png", "jpeg", "webp", "avif", "tiff"] as const)(
    "returns the type and size of a %s",
    async (format) => {
      const header = readImageHeader(await picture(format, { width: 50, height: 34 }));
      expect(header).toEqual({ type: `image/${format}`, width: 50, height: 34 });
    },
  );

  it("returns the type and size of a HEIC photo", async () => {
    expect(readImageHeader(await heicPhoto())).toMatchObject({ type: "image/heic" });
  });

  it("never throws or hangs on a damaged file", async () => {
    const draw = new SeededRandom(2, "headers");
    const formats = ["png", "jpeg", "webp", "avif", "tiff"] as const;
    for (const whole of [await heicPhoto(), ...(await Promise.all(formats.map((one) => picture(one))))]) {
      for (let round = 0; round < 300; round++) {
        const bytes = Uint8Array.from(whole.subarray(0, Math.floor(draw.uniform() * whole.length)));
        for (let hit = 0; hit < 4 && bytes.length; hit++)
          bytes[Math.floor(draw.uniform() * bytes.length)] = Math.floor(draw.uniform() * 256);
        const header = readImageHeader(bytes);
        expect(header === undefined || (header.width > 0 && header.height > 0)).toBe(true);
      }
    }
  });
});
