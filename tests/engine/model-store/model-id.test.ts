import { expect, it } from "vitest";
import { looksLikeModelId, parseModelId, showModelId } from "../../../engine/model-store/model-id.ts";
import { storedFolder } from "../../../engine/model-store/store.ts";

it.each([
  ["timbrooks/instruct-pix2pix", { name: "timbrooks/instruct-pix2pix" }],
  ["a/b@fp16", { name: "a/b", revision: "fp16" }],
  ["a/b.c_d-e@refs/pr/1", { name: "a/b.c_d-e", revision: "refs/pr/1" }],
])("%s is a model ID, and is printed as written", (text, id) => {
  expect(parseModelId(text)).toEqual(id);
  expect(showModelId(id)).toBe(text);
});

it.each(["../../etc", "owner", "a/b/c", "/owner/name", "owner/..", "owner/name@../up", "a/b@", "a\\b/c", ""])(
  "%j is not a model ID, and no path is made from it",
  (text) => {
    expect(looksLikeModelId(text)).toBe(false);
    expect(() => parseModelId(text)).toThrow(/is not a model ID/);
  },
);

it("gives each revision its own folder", () => {
  expect(storedFolder("/store", { name: "a/b" })).toBe("/store/a/b");
  expect(storedFolder("/store", { name: "a/b", revision: "refs/pr/1" })).toBe("/store/a/b@refs%2Fpr%2F1");
});
