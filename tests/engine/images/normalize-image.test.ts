import { readFile } from "node:fs/promises";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { chromaticities, createIccProfile } from "../../../engine/color/icc-profile.ts";
import { colorProfileModes } from "../../../engine/images/color-profile-mode.ts";
import { decodeImage } from "../../../engine/images/decode-image.ts";
import { normalizeImage } from "../../../engine/images/normalize-image.ts";
import { toBytes, toUint16 } from "../../../engine/images/rgb-image.ts";
import { withTransparency } from "../../../engine/images/with-transparency.ts";
import { encodeImage } from "../../../engine/images/write-image.ts";
import { embedInJpeg } from "../../../engine/metadata/embed-jpeg.ts";
import { embedInPng } from "../../../engine/metadata/embed-png.ts";
import { metadataModes } from "../../../engine/metadata/photo-metadata.ts";
import { texturedImage } from "./stand-ins.ts";

const textured = texturedImage(40, 24, 3);
const raw = { width: 40, height: 24, channels: 3 } as const;
const picture = () => sharp(toBytes(textured), { raw });
const deep = () => sharp(toUint16(textured), { raw }).toColourspace("rgb16");
const transparent = () => picture().ensureAlpha(0.4);
const fixture = (name: string) => readFile(new URL(`../../fixtures/${name}`, import.meta.url));
const displayP3 = createIccProfile(chromaticities.displayP3, "srgb");

const files: Readonly<Record<string, () => Promise<Uint8Array>>> = {
  "a phone's JPEG, with orientation and all metadata": () => fixture("photos/phone.jpg"),
  "a phone's HEIC": () => fixture("photos/phone.heic"),
  "a TIFF with metadata": () => fixture("photos/phone.tif"),
  "a HEIC": () => fixture("heic/plain.heic"),
  "a HEIC of 10 bits": () => fixture("heic/ten-bits.heic"),
  "a HEIC in Display P3": () => fixture("heic/p3.heic"),
  "a HEIC with alpha": () => fixture("heic/alpha.heic"),
  "a progressive JPEG with subsampling": () => picture().jpeg({ quality: 70, progressive: true }).toBuffer(),
  "a JPEG in Display P3": async () => embedInJpeg(await picture().jpeg().toBuffer(), { profile: displayP3 }),
  "a JPEG in CMYK": () => picture().toColourspace("cmyk").jpeg().toBuffer(),
  "a gray JPEG": () => picture().grayscale().jpeg().toBuffer(),
  "a turned JPEG": () => picture().withMetadata({ orientation: 7 }).jpeg().toBuffer(),
  "a PNG": () => picture().png().toBuffer(),
  "a PNG of a palette": () => picture().png({ palette: true }).toBuffer(),
  "a PNG with alpha": () => transparent().png().toBuffer(),
  "a PNG with alpha that is opaque": () => picture().ensureAlpha().png().toBuffer(),
  "a PNG of 16 bits": () => deep().png().toBuffer(),
  "a PNG of 16 bits with alpha": () => deep().ensureAlpha(0.4).png().toBuffer(),
  "a PNG of 16 bits in Display P3": async () =>
    embedInPng(await deep().png().toBuffer(), { profile: displayP3 }),
  "a PNG with a gamma": async () => withGamma(await picture().png().toBuffer()),
  "a TIFF of 16 bits": () => deep().tiff().toBuffer(),
  "a WebP with alpha": () => transparent().webp().toBuffer(),
  "an AVIF": () => picture().avif().toBuffer(),
  "an AVIF of 10 bits": () => picture().avif({ bitdepth: 10 }).toBuffer(),
};

/** With a gAMA chunk of 1, which makes it linear; the chunk's checksum was computed by another program. */
const withGamma = (png: Buffer) =>
  Buffer.concat([
    png.subarray(0, 33),
    Buffer.from("0000000467414d41000186a031e8965f", "hex"),
    png.subarray(33),
  ]);

describe("a normalized image", () => {
  it.each(Object.entries(files))(
    "of %s decodes to the same pixels and gives the same results",
    async (_, make) => {
      const file = await make();
      const png = await normalizeImage(file, "The photo");
      expect((await sharp(png).metadata()).format).toBe("png");
      for (const mode of colorProfileModes) {
        const [before, after] = [await decodeImage(file, "a", mode), await decodeImage(png, "b", mode)];
        expect(after.image).toEqual(before.image);
        expect(after.transparency).toEqual(before.transparency);
        expect(after.depth).toBe(before.depth);
        expect(after.profile?.icc).toEqual(before.profile?.icc);
        expect(after.hadOrientation).toBe(false);
        for (const format of ["png", "jpeg", "webp"] as const)
          for (const metadataMode of metadataModes) {
            const [wanted, found] = await Promise.all(
              [before, after].map((each) => {
                const { image, ...rest } = withTransparency(each, each.image);
                return encodeImage(image, format, { ...rest, metadataMode });
              }),
            );
            expect(found!.equals(wanted!), `${mode} ${format} ${metadataMode}`).toBe(true);
          }
      }
    },
  );

  it("of a file that cannot be decoded is the same error", async () => {
    const jpeg = await picture().jpeg().toBuffer();
    await expect(normalizeImage(jpeg.subarray(0, 300), "Image 3")).rejects.toMatchObject({
      code: "damaged_image",
      message: expect.stringMatching(/^Image 3 is a damaged/),
    });
  });
});
