import { describe, expect, it } from "vitest";
import { modelSize, parseSize } from "../../cli/image-size.ts";
import { readModelFolder } from "../../engine/pipeline/model-folder.ts";
import { Pipeline } from "../../engine/pipeline/pipeline.ts";
import { openFixture } from "../engine/networks/expected-values.ts";

const model = await readModelFolder((await openFixture("tiny-ip2p")).folder);
const pipeline = new Pipeline(model, { device: "cpu" });
const sizeOf = (text: string) => modelSize(pipeline, parseSize("--size")(text));

describe("--size", () => {
  it("is the side of a square with the area of the resized image, or an exact width and height", () => {
    expect(pipeline.sizeMultiple).toBe(32);
    expect(sizeOf("512")).toEqual({ resolution: 512, multiple: 32 });
    expect(sizeOf("768x512")).toMatchObject({ exact: { width: 768, height: 512 } });
    expect(sizeOf("64X96")).toMatchObject({ exact: { width: 64, height: 96 } });
    expect(modelSize(pipeline, undefined)).toEqual({ resolution: 64, multiple: 32 });
  });

  it.each([
    ["500", '--size is "500"; tiny-ip2p needs multiples of 32 pixels; the nearest is 512.'],
    ["768x500", '--size is "768x500"; tiny-ip2p needs multiples of 32 pixels; the nearest is 768x512.'],
    ["5", '--size is "5"; tiny-ip2p needs multiples of 32 pixels; the nearest is 32.'],
  ])("of %s is rejected with the nearest valid one", (text, message) => {
    expect(() => sizeOf(text)).toThrow(message);
  });

  it.each(["", "big", "512x", "x512", "0", "512x0", "-512", "512.5", "9000", "1x2x3"])(
    "rejects %j",
    (text) => {
      expect(() => parseSize("--size")(text)).toThrow(/--size is ".*"; it must be a side length in pixels/);
    },
  );
});
