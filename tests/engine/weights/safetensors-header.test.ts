import { describe, expect, it } from "vitest";
import { parseSafetensorsHeader } from "../../../engine/weights/safetensors-header.ts";

/** A header in front of `dataBytes` bytes of data, as the file "model.safetensors". */
function parse(header: unknown, dataBytes: number) {
  const bytes = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const dataStart = 8 + bytes.byteLength;
  return {
    dataStart,
    ...parseSafetensorsHeader(bytes, dataStart, dataStart + dataBytes, "model.safetensors"),
  };
}

const entry = (shape: unknown, begin: unknown, end: unknown, dtype: unknown = "F32") => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

describe("a safetensors header", () => {
  it("has each tensor's absolute offset in the file", () => {
    const { tensors, metadata, dataStart } = parse(
      { __metadata__: { format: "pt" }, b: entry([2, 3], 8, 32), a: entry([4], 0, 8, "F16") },
      32,
    );
    expect(tensors.get("b")).toEqual({
      name: "b",
      dtype: "F32",
      shape: [2, 3],
      byteOffset: dataStart + 8,
      byteLength: 24,
    });
    expect(tensors.get("a")).toMatchObject({ dtype: "F16", byteOffset: dataStart, byteLength: 8 });
    expect(metadata.format).toBe("pt");
  });

  it("may have scalars, empty tensors, padding and no tensors", () => {
    expect(parse({ scalar: entry([], 0, 4), empty: entry([0, 7], 4, 4) }, 4).tensors.size).toBe(2);
    expect(parse({ empty: entry([0], 0, 0), full: entry([1], 0, 4) }, 4).tensors.size).toBe(2);
    expect(parse("{}      ", 0).tensors.size).toBe(0);
  });

  it("accepts __proto__ as a name and changes no prototype", () => {
    const header = `{"__metadata__":{"__proto__":"x"},"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`;
    const { tensors, metadata } = parse(header, 4);
    expect(tensors.get("__proto__")?.byteLength).toBe(4);
    expect(Object.entries(metadata)).toEqual([["__proto__", "x"]]);
    expect(({} as { dtype?: string }).dtype).toBeUndefined();
  });

  const hostile: readonly [why: string, header: unknown, dataBytes: number, message: RegExp][] = [
    ["text that is not JSON", "{", 0, /not JSON/],
    ["an array", "[]", 0, /not a JSON object/],
    ["null", "null", 0, /not a JSON object/],
    [
      "a tensor named twice",
      `{"a":${JSON.stringify(entry([1], 0, 4))},"\\u0061":${JSON.stringify(entry([1], 0, 4))}}`,
      4,
      /"a" twice/,
    ],
    [
      "a field named twice",
      `{"a":{"dtype":"F32","dtype":"F16","shape":[1],"data_offsets":[0,4]}}`,
      4,
      /"dtype" twice/,
    ],
    ["a tensor that is no object", { a: 7 }, 0, /"a" is not described/],
    ["an entry without fields", { a: {} }, 0, /"a" has the unknown dtype nothing/],
    ["an unknown dtype", { a: entry([1], 0, 4, "F31") }, 4, /unknown dtype "F31"/],
    ["a dtype that is a method of objects", { a: entry([1], 0, 4, "constructor") }, 4, /unknown dtype/],
    ["a negative extent", { a: entry([-1], 0, 4) }, 4, /"a" has the shape \[-1\]/],
    ["a fractional extent", { a: entry([0.5], 0, 2) }, 2, /"a" has the shape/],
    ["an extent that is text", { a: entry(["1"], 0, 4) }, 4, /"a" has the shape/],
    ["an extent beyond 2^53", { a: entry([2 ** 53], 0, 4) }, 4, /"a" has the shape/],
    ["1e999", `{"a":{"dtype":"F32","shape":[1e999],"data_offsets":[0,4]}}`, 4, /"a" has the shape/],
    [
      "a product that overflows",
      { a: entry([2 ** 30, 2 ** 30, 2 ** 30], 0, 4) },
      4,
      /too large to be counted/,
    ],
    ["a rank of 17", { a: entry(Array(17).fill(1), 0, 4) }, 4, /at most 16/],
    ["offsets the wrong way round", { a: entry([1], 4, 0) }, 4, /"a" needs 4 bytes/],
    ["three offsets", { a: { dtype: "F32", shape: [1], data_offsets: [0, 4, 8] } }, 4, /two byte positions/],
    ["negative offsets", { a: entry([1], -4, 0) }, 4, /two byte positions/],
    ["a size that does not fit the shape", { a: entry([2], 0, 4) }, 4, /needs 8 bytes for F32 \[2\]/],
    ["a tensor beyond the file", { a: entry([2], 0, 8) }, 4, /"a" ends at byte \d+, beyond/],
    ["overlapping tensors", { a: entry([2], 0, 8), b: entry([2], 4, 12) }, 12, /"b" overlaps/],
    ["two tensors on one place", { a: entry([1], 0, 4), b: entry([1], 0, 4) }, 4, /"b" overlaps/],
    ["a gap between tensors", { a: entry([1], 0, 4), b: entry([1], 8, 12) }, 12, /4 bytes before tensor "b"/],
    ["a gap before the first", { a: entry([1], 4, 8) }, 8, /4 bytes before tensor "a"/],
    ["bytes after the last", { a: entry([1], 0, 4) }, 6, /last 2 bytes/],
    ["metadata that is a list", { __metadata__: [] }, 0, /__metadata__ is not an object/],
    ["metadata that is not text", { __metadata__: { step: 3 } }, 0, /"step", which is not text/],
    [
      "nesting deeper than the stack",
      `{"a":{"dtype":${"[".repeat(2e5)}${"]".repeat(2e5)}}}`,
      0,
      /unknown dtype/,
    ],
  ];

  it.each(hostile)("with %s is rejected by name", (_why, header, dataBytes, message) => {
    const reading = () => parse(header, dataBytes);
    expect(reading).toThrow(message);
    expect(reading).toThrow(/^model\.safetensors is not a valid safetensors file: /);
    expect(reading).toThrow(expect.objectContaining({ name: "VisibleError", code: "invalid_weights" }));
  });

  it("must be UTF-8", () => {
    const bytes = Uint8Array.from([0x7b, 0x22, 0xff, 0x22, 0x7d]);
    expect(() => parseSafetensorsHeader(bytes, 13, 13, "x")).toThrow(/not JSON in UTF-8/);
  });

  it("quotes an untrusted name escaped and truncated", () => {
    const name = `\u001b[31m${"n".repeat(5000)}`;
    expect(() => parse({ [name]: 1 }, 0)).toThrow(/^.{10,200}$/);
    expect(() => parse({ [name]: 1 }, 0)).toThrow(/\\u001b/);
  });
});
