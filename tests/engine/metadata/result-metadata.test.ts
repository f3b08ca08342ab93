import { readFile } from "node:fs/promises";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { decodeImage } from "../../../engine/images/decode-image.ts";
import { withTransparency } from "../../../engine/images/with-transparency.ts";
import { encodeImage } from "../../../engine/images/write-image.ts";
import { filterExif } from "../../../engine/metadata/exif.ts";
import { filterIptc } from "../../../engine/metadata/iptc.ts";
import type { MetadataMode } from "../../../engine/metadata/photo-metadata.ts";
import { filterXmp } from "../../../engine/metadata/xmp.ts";
import { hasExiftool, readTags } from "./exiftool.ts";

const formats = ["jpeg", "png", "webp", "avif"] as const;
type Format = (typeof formats)[number];

/** A photo with metadata, stored as 48 × 32 with an orientation. */
const photo = (ending: "jpg" | "tif" | "heic") =>
  readFile(new URL(`../../fixtures/photos/phone.${ending}`, import.meta.url));

async function result(file: Uint8Array, format: Format, metadataMode?: MetadataMode): Promise<Buffer> {
  const decoded = await decodeImage(file);
  const { image, ...kept } = withTransparency(decoded, decoded.image);
  return encodeImage(image, format, { ...kept, ...(metadataMode ? { metadataMode } : {}) });
}

const textOf = (file: Buffer) => file.toString("latin1");
const utf8 = (text: string) => Buffer.from(text).toString("latin1");

/** Byte patterns that must not be in a result: the location and outdated fields. */
const places = [/Paris|France|Quai|GPS/];
const outdated = [/Apple iOS/, /Orientation/, /MicroVideo/, /xmp\.did/, /digitalCapture/, /ExifImageWidth/];

describe.each(["jpg", "tif", "heic"] as const)("a result of a %s photo", (ending) => {
  it.each(formats)("as %s keeps author, copyright, date and camera, and no location", async (format) => {
    const text = textOf(await result(await photo(ending), format));
    for (const kept of [
      "iPhone 15",
      utf8("Ana Müller"),
      "(c) Ana",
      "2026:05:06 07:08:09",
      "Evening",
      "Ask first",
    ])
      expect(text).toContain(kept);
    for (const pattern of [...places, ...outdated]) expect(text).not.toMatch(pattern);
  });

  it.each(formats)("as %s has the location with `keep`, but no outdated fields", async (format) => {
    const text = textOf(await result(await photo(ending), format, "keep"));
    expect(text).toMatch(/Paris/);
    expect(text).toMatch(/GPSLatitude/);
    for (const pattern of outdated) expect(text).not.toMatch(pattern);
  });

  it.each(formats)("as %s has no metadata with `strip`", async (format) => {
    const stripped = await result(await photo(ending), format, "strip");
    expect(await sharp(stripped).metadata()).toEqual(
      expect.not.objectContaining({
        exif: expect.anything(),
        xmp: expect.anything(),
        iptc: expect.anything(),
      }),
    );
    expect(textOf(stripped)).not.toMatch(/Ana|Paris|iPhone|Evening/);
  });

  it.each(formats)("as %s has the pixels of a result without metadata", async (format) => {
    const [kept, stripped] = await Promise.all(
      (["keep", "strip"] as const).map(async (mode) =>
        sharp(await result(await photo(ending), format, mode))
          .raw()
          .toBuffer({ resolveWithObject: true }),
      ),
    );
    expect(kept!.data.equals(stripped!.data)).toBe(true);
    expect([kept!.info.width, kept!.info.height]).toEqual([32, 48]);
  });
});

describe.skipIf(!hasExiftool)("exiftool reads", () => {
  const described = {
    "IFD0:Make": "Apple",
    "IFD0:Model": "iPhone 15",
    "IFD0:Artist": "Ana Müller",
    "IFD0:Copyright": "(c) Ana",
    "ExifIFD:DateTimeOriginal": "2026:05:06 07:08:09",
    "ExifIFD:OffsetTimeOriginal": "+02:00",
    "ExifIFD:ExposureTime": 0.004,
    "ExifIFD:ISO": 64,
    "ExifIFD:ColorSpace": 1,
    "XMP-dc:Title": "Evening",
    "XMP-xmp:Rating": 4,
    "XMP-xmpRights:UsageTerms": "Ask first",
  };
  const iptc = { "IPTC:By-line": "Ana Müller", "IPTC:Keywords": ["dusk", "river"] };
  const iptcAsXmp = { "XMP-dc:Creator": "Ana Müller", "XMP-dc:Subject": ["dusk", "river"] };
  const place =
    /^(GPS|Composite:GPS|IPTC:(City|Country|Sub)|XMP-exif:GPS|XMP-photoshop:City|XMP-iptc(Core|Ext):Loc)/;
  const outdatedTag =
    /Orientation|Thumbnail|MakerNote|ExifImage(Width|Height)|SubjectArea|^XMP-(GCamera|xmpMM|tiff):|DigitalSource/;

  /** libheif's Exif has an orientation and dimensions, those of the result. */
  const ofAvif = { "IFD0:Orientation": 1, "ExifIFD:ExifImageWidth": 32, "ExifIFD:ExifImageHeight": 48 };
  function expectNothingOutdated(tags: Record<string, unknown>, format: Format): void {
    const found = Object.entries(tags).filter(([tag]) => outdatedTag.test(tag));
    expect(Object.fromEntries(found)).toEqual(format === "avif" ? ofAvif : {});
  }

  it.each(formats)("what was kept of a JPEG in a %s, and finds the file valid", async (format) => {
    const tags = readTags(await result(await photo("jpg"), format));
    expect(tags).toMatchObject({ ...described, ...(format === "jpeg" ? iptc : iptcAsXmp) });
    expect(Object.keys(tags).filter((tag) => place.test(tag))).toEqual([]);
    expectNothingOutdated(tags, format);
    expect(tags["ExifTool:Error"]).toBeUndefined();
    // Exif is allowed to be incomplete.
    const warnings = [tags["ExifTool:Warning"] ?? []].flat();
    expect(warnings.filter((warning) => !/^Missing required/.test(String(warning)))).toEqual([]);
  });

  it.each(formats)("the location in a %s with `keep`", async (format) => {
    const tags = readTags(await result(await photo("jpg"), format, "keep"));
    expect(tags["GPS:GPSLatitude"]).toBeCloseTo(48.858333, 5);
    expect(tags["GPS:GPSLongitude"]).toBeCloseTo(2.294444, 5);
    expect(tags).toMatchObject({ "XMP-photoshop:City": "Paris", "XMP-iptcExt:LocationShownCity": "Paris" });
    if (format === "jpeg") expect(tags).toMatchObject({ "IPTC:City": "Paris", "IPTC:Sub-location": "Quai" });
    expectNothingOutdated(tags, format);
  });

  it.each(["tif", "heic"] as const)("what was kept of a .%s", async (ending) => {
    expect(readTags(await result(await photo(ending), "jpeg"))).toMatchObject(described);
  });
});

/** Exif of `count` descriptions that all refer to the same `size` bytes. */
function sharedValue(count: number, size: number): Buffer {
  const at = 10 + 12 * count;
  const exif = Buffer.alloc(at + size, "a");
  exif.write("MM\0*\0\0\0\x08", "latin1");
  exif.writeUInt16BE(count, 8);
  for (let entry = 0; entry < count; entry++) {
    const field = [0x010e, 2, size >> 16, size & 0xffff, at >> 16, at & 0xffff];
    for (const [index, value] of field.entries()) exif.writeUInt16BE(value, 10 + 12 * entry + 2 * index);
  }
  return exif;
}

describe("metadata that cannot be parsed is omitted", () => {
  const safe = { place: false, isSrgb: true };
  it.each([
    ["empty", Buffer.alloc(0)],
    ["no TIFF", Buffer.from("Exif\0\0hello, this is no TIFF")],
    ["a directory outside the file", Buffer.from("II*\0\xff\xff\xff\xff", "latin1")],
    [
      "a field outside the file",
      Buffer.from("II*\0\x08\0\0\0\x01\0\x0f\x01\x02\0\xff\0\0\0\x08\0\0\0", "latin1"),
    ],
    ["a directory of 65,535 entries", Buffer.from("MM\0*\0\0\0\x08\xff\xff", "latin1")],
    ["4,000 fields that share a value of 8 kB", sharedValue(4000, 8192)],
  ])("Exif: %s", (_, exif) => expect(filterExif(exif, safe)).toBeUndefined());

  const xmp = (body: string, head = "") =>
    Buffer.from(
      `${head}<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/"><rdf:Description rdf:about="">${body}</rdf:Description></rdf:RDF></x:xmpmeta>`,
    );
  it.each([
    ["a DOCTYPE", xmp("<dc:title>&a;</dc:title>", '<!DOCTYPE r [<!ENTITY a "Paris">]>')],
    ["CDATA", xmp("<dc:title><![CDATA[Paris]]></dc:title>")],
    ["tags that cross", xmp("<dc:title><a></dc:title></a>")],
    ["no end", xmp("<dc:title>A</dc:title>").subarray(0, -20)],
    ["Latin-1", Buffer.from(xmp("<dc:title>Müller</dc:title>").toString("utf8"), "latin1")],
    ["a thousand levels", xmp("<dc:a>".repeat(1000) + "</dc:a>".repeat(1000))],
    ["nothing that is kept", xmp('<p:City xmlns:p="http://ns.adobe.com/photoshop/1.0/">Paris</p:City>')],
  ])("XMP: %s", (_, packet) => expect(filterXmp(packet, false)).toBeUndefined());

  it("IPTC: bytes of another kind, and a truncated data set", () => {
    expect(filterIptc(Buffer.from("hello, this is no IPTC"), false)).toBeUndefined();
    const whole = Buffer.from("\x1c\x02\x50\0\x03Ana\x1c\x02\x05\0\x09Eve", "latin1");
    expect(textOf(filterIptc(whole, false) as Buffer)).toMatch(/Ana$/);
  });
});

describe("XMP", () => {
  it("is selected by namespace, whatever its prefix and its form", () => {
    const packet = Buffer.from(
      `<x:xmpmeta xmlns:x='adobe:ns:meta/'><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><r:Description r:about='' xmlns:ps='http://ns.adobe.com/photoshop/1.0/' ps:City='Paris' ps:Credit='A "B"'><dc:City xmlns:dc="http://ns.adobe.com/photoshop/1.0/">Paris</dc:City><a:rights xmlns:a="http://purl.org/dc/elements/1.1/"><r:Alt><r:li xml:lang="x-default">Ana</r:li></r:Alt></a:rights></r:Description></r:RDF></x:xmpmeta>`,
    );
    const kept = Buffer.from(filterXmp(packet, false)!).toString();
    expect(kept).not.toMatch(/Paris/);
    expect(kept).toContain('ps:Credit="A &quot;B&quot;"');
    expect(kept).toContain('<r:li xml:lang="x-default">Ana</r:li>');
  });
});
