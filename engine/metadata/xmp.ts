import { iptcText, readDataSets } from "./iptc.ts";
import { type Description, readDescriptions } from "./xmp-packet.ts";

const dc = "http://purl.org/dc/elements/1.1/";
const photoshop = "http://ns.adobe.com/photoshop/1.0/";
const iptcCore = "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/";

/** Rule for the properties of a namespace, in lists of names. */
interface Rule {
  /** Kept properties. Default: all. */
  readonly only?: RegExp;
  /** Properties that are wrong for a result. */
  readonly never?: RegExp;
  /** Properties that name the location. */
  readonly place?: RegExp;
}

/** Properties of other namespaces (regions, gain maps, depth, raw settings, history) are left out. */
const rules: Readonly<Record<string, Rule>> = {
  [dc]: { never: /^format$/ },
  "http://ns.adobe.com/xap/1.0/": { never: /^Thumbnails$/ },
  "http://ns.adobe.com/xap/1.0/rights/": {},
  [photoshop]: {
    only: /^(AuthorsPosition|CaptionWriter|Category|City|Country|Credit|DateCreated|Headline|Instructions|Source|State|SupplementalCategories|TransmissionReference|Urgency)$/,
    place: /^(City|Country|State)$/,
  },
  [iptcCore]: { place: /^(Location|CountryCode)$/ },
  "http://iptc.org/std/Iptc4xmpExt/2008-02-29/": {
    // The digital source type of an edited photo is another one.
    never: /^(DigitalSourceType|DigitalSourcefileType|ImageRegion)$/,
    place: /^(Location|Event|ArtworkOrObject)/,
  },
  "http://ns.useplus.org/ldf/xmp/1.0/": {},
  "http://ns.adobe.com/lightroom/1.0/": {},
  "http://creativecommons.org/ns#": {},
  "http://ns.adobe.com/tiff/1.0/": {
    only: /^(Make|Model|Artist|Copyright|DateTime|ImageDescription|Software|XResolution|YResolution|ResolutionUnit)$/,
  },
  "http://ns.adobe.com/exif/1.0/": {
    never:
      /^(ColorSpace|ComponentsConfiguration|CompressedBitsPerPixel|MakerNote|NativeDigest|Pixel[XY]Dimension|SubjectArea|SubjectLocation|InteroperabilityIndex)$/,
    place: /^GPS/,
  },
  "http://ns.adobe.com/exif/1.0/aux/": {},
  "http://cipa.jp/exif/1.0/": { never: /^(Gamma|InteroperabilityIndex)$/ },
};

/** Larger packets are left out. */
const maxBytes = 2 ** 20;

/**
 * An XMP packet with the descriptive properties only, without the location unless `place`.
 *
 * @returns undefined if nothing remains or it cannot be parsed
 */
export function filterXmp(xmp: Uint8Array | undefined, place: boolean): Uint8Array | undefined {
  if (!xmp || xmp.length > maxBytes) return undefined;
  const descriptions = (readDescriptions(xmp) ?? []).map((description) => ({
    ...description,
    properties: description.properties.filter(({ namespace, name }) => isKept(namespace, name, place)),
  }));
  return descriptions.some(({ properties }) => properties.length) ? writePacket(descriptions) : undefined;
}

function isKept(namespace: string, name: string, place: boolean): boolean {
  const rule = Object.hasOwn(rules, namespace) ? rules[namespace] : undefined;
  if (!rule || rule.never?.test(name) || (rule.only && !rule.only.test(name))) return false;
  return place || !rule.place?.test(name);
}

function writePacket(descriptions: readonly Description[]): Uint8Array {
  const body = descriptions
    .map(({ namespaces, properties }) => {
      const declared = [...namespaces]
        .map(([prefix, uri]) => ` xmlns:${prefix}="${uri.replaceAll('"', "&quot;")}"`)
        .join("");
      const attributes = properties.flatMap(({ attribute }) => (attribute ? [` ${attribute}`] : [])).join("");
      const elements = properties.flatMap(({ element }) => (element ? [element] : [])).join("");
      return `<rdf:Description rdf:about=""${declared}${attributes}>${elements}</rdf:Description>`;
    })
    .join("");
  return new TextEncoder().encode(
    `<?xpacket begin="\uFEFF" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">${body}</rdf:RDF></x:xmpmeta><?xpacket end="w"?>`,
  );
}

type Container = "Alt" | "Bag" | "Seq";

/** XMP properties of IPTC data sets of record 2 (IPTC Photo Metadata Standard, "IIM mapping"). */
const xmpOfIptc: Readonly<Record<number, readonly [prefix: string, name: string, container?: Container]>> = {
  5: ["dc", "title", "Alt"],
  25: ["dc", "subject", "Bag"],
  40: ["photoshop", "Instructions"],
  80: ["dc", "creator", "Seq"],
  85: ["photoshop", "AuthorsPosition"],
  90: ["photoshop", "City"],
  92: ["Iptc4xmpCore", "Location"],
  95: ["photoshop", "State"],
  100: ["Iptc4xmpCore", "CountryCode"],
  101: ["photoshop", "Country"],
  103: ["photoshop", "TransmissionReference"],
  105: ["photoshop", "Headline"],
  110: ["photoshop", "Credit"],
  115: ["photoshop", "Source"],
  116: ["dc", "rights", "Alt"],
  120: ["dc", "description", "Alt"],
  122: ["photoshop", "CaptionWriter"],
};
const namespaces = new Map([
  ["dc", dc],
  ["photoshop", photoshop],
  ["Iptc4xmpCore", iptcCore],
]);

/** Adds the properties of IPTC data sets that an XMP packet does not have. */
export function withIptcAsXmp(xmp: Uint8Array | undefined, iptc: Uint8Array): Uint8Array | undefined {
  const existing = (xmp && readDescriptions(xmp)) || [];
  const values = new Map<number, string[]>();
  for (const { record, number, value } of readDataSets(iptc))
    if (record === 2) values.set(number, [...(values.get(number) ?? []), iptcText(value)]);
  const has = (uri: string | undefined, wanted: string) =>
    existing.some(({ properties }) =>
      properties.some(({ namespace, name }) => namespace === uri && name === wanted),
    );
  const properties = [...values].flatMap(([number, texts]) => {
    const [prefix, name, container] = xmpOfIptc[number] ?? [];
    const namespace = prefix && namespaces.get(prefix);
    if (!namespace || !name || has(namespace, name)) return [];
    return [{ namespace, name, element: element(`${prefix}:${name}`, texts, container) }];
  });
  if (!properties.length) return xmp;
  return writePacket([...existing, { namespaces, properties }]);
}

function element(tag: string, texts: readonly string[], container?: Container): string {
  const escaped = texts.map(escapeXml);
  if (!container) return `<${tag}>${escaped[0]}</${tag}>`;
  const language = container === "Alt" ? ' xml:lang="x-default"' : "";
  const items = (container === "Alt" ? escaped.slice(0, 1) : escaped).map(
    (text) => `<rdf:li${language}>${text}</rdf:li>`,
  );
  return `<${tag}><rdf:${container}>${items.join("")}</rdf:${container}></${tag}>`;
}

/** Control characters are not allowed in XML and are removed. */
const escapeXml = (text: string): string =>
  text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to remove
    .replaceAll(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
