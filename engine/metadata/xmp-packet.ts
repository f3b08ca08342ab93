/**
 * A top-level property of an XMP packet, as its source text: an attribute of rdf:Description or an element.
 */
interface Property {
  /** URI. */
  readonly namespace: string;
  /** Without prefix. */
  readonly name: string;
  readonly attribute?: string;
  readonly element?: string;
}

export interface Description {
  /** Prefixes in scope, without `rdf`; URIs as their source text. */
  readonly namespaces: ReadonlyMap<string, string>;
  readonly properties: readonly Property[];
}

const rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";

/** A tag, a comment or a processing instruction. Anything else, a DOCTYPE for example, does not match. */
const markup =
  /<(?:\?[\s\S]*?\?>|!--[\s\S]*?-->|(\/?)([^\s/<>!?]+)((?:\s+[^\s=/<>]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>)/y;
const attributePattern = /([^\s=/<>]+)\s*=\s*("[^"<]*"|'[^'<]*')/g;
const maxDepth = 100;

interface Open {
  readonly tag: string;
  readonly start: number;
  readonly namespaces: ReadonlyMap<string, string>;
}

interface Tag {
  readonly name: string;
  readonly attributes: readonly (readonly [name: string, value: string])[];
}

/**
 * Splits an XMP packet into its descriptions and their properties (XMP part 1, 7.4: `rdf:RDF` contains
 * `rdf:Description`, which contains properties). Strict: undefined if anything is not understood.
 * Not an XML library, because those return parsed values, and a property is copied as its source text.
 */
export function readDescriptions(packet: Uint8Array): Description[] | undefined {
  let xml: string;
  try {
    xml = new TextDecoder("utf-8", { fatal: true }).decode(packet);
  } catch {
    return undefined;
  }
  // Packets are padded with zeros by some writers.
  xml = xml.replace(/\0+$/, "");
  const descriptions: { namespaces: ReadonlyMap<string, string>; properties: Property[] }[] = [];
  const open: Open[] = [];
  /** Index in `open` of the current rdf:Description. */
  let describing = -1;
  for (let at = nextTag(xml, 0); at < xml.length; at = nextTag(xml, markup.lastIndex)) {
    markup.lastIndex = at;
    const match = markup.exec(xml);
    if (!match) return undefined;
    const [, closing, name, attributeText = "", selfClosing] = match;
    if (name === undefined) continue;
    const parent = open.at(-1);
    if (!closing) {
      if (open.length === maxDepth) return undefined;
      const tag: Tag = { name, attributes: attributesOf(attributeText) };
      const namespaces = scopeOf(tag, parent?.namespaces ?? new Map());
      open.push({ tag: name, start: at, namespaces });
      const parentName = open.at(-2)?.tag;
      const isDescription =
        isRdf(name, "Description", namespaces) && !!parentName && isRdf(parentName, "RDF", namespaces);
      if (describing < 0 && isDescription) {
        // The prefix is used for the result.
        if (namespaces.get("rdf") !== undefined && namespaces.get("rdf") !== rdf) return undefined;
        describing = open.length - 1;
        const others = new Map([...namespaces].filter(([prefix]) => prefix !== "rdf" && prefix !== ""));
        descriptions.push({ namespaces: others, properties: attributeProperties(tag, namespaces) });
      }
    }
    if (!closing && !selfClosing) continue;
    const ended = open.pop();
    if (ended?.tag !== name) return undefined;
    if (open.length === describing) describing = -1;
    else if (describing >= 0 && open.length === describing + 1) {
      const property = qualified(name, ended.namespaces);
      // An element without prefix would need the default namespace.
      if (property && name.includes(":"))
        descriptions
          .at(-1)!
          .properties.push({ ...property, element: xml.slice(ended.start, markup.lastIndex) });
    }
  }
  return open.length ? undefined : descriptions;
}

function nextTag(xml: string, from: number): number {
  const at = xml.indexOf("<", from);
  return at < 0 ? xml.length : at;
}

const attributesOf = (text: string): (readonly [string, string])[] =>
  [...text.matchAll(attributePattern)].map(([, name, quoted]) => [name!, quoted!.slice(1, -1)]);

function scopeOf({ attributes }: Tag, outer: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const declared = attributes.flatMap(([name, value]): [string, string][] =>
    name === "xmlns" ? [["", value]] : name.startsWith("xmlns:") ? [[name.slice(6), value]] : [],
  );
  return declared.length ? new Map([...outer, ...declared]) : outer;
}

function qualified(
  tag: string,
  namespaces: ReadonlyMap<string, string>,
): { readonly namespace: string; readonly name: string } | undefined {
  const colon = tag.indexOf(":");
  const namespace = namespaces.get(tag.slice(0, Math.max(0, colon)));
  return namespace === undefined ? undefined : { namespace, name: tag.slice(colon + 1) };
}

function isRdf(tag: string, wanted: string, namespaces: ReadonlyMap<string, string>): boolean {
  const found = qualified(tag, namespaces);
  return found?.namespace === rdf && found.name === wanted;
}

const attributeProperties = ({ attributes }: Tag, namespaces: ReadonlyMap<string, string>): Property[] =>
  attributes.flatMap(([name, value]) => {
    const found = name.includes(":") && !name.startsWith("xmlns:") ? qualified(name, namespaces) : undefined;
    if (!found || found.namespace === rdf) return [];
    return [{ ...found, attribute: `${name}="${value.replaceAll('"', "&quot;")}"` }];
  });
