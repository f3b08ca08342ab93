import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createId, deriveId, idSchema } from "../../shared/ids.ts";

describe("ids", () => {
  it("have their kind's prefix and match their schema", () => {
    const id = createId("edit", Date.now(), randomBytes(10));
    expect(idSchema("edit").safeParse(id).success).toBe(true);
    expect(idSchema("upload").safeParse(id).success).toBe(false);
    expect(id).toMatch(/^edt_/);
  });

  it("sort by time, and are unique", () => {
    const ids = [1, 2, 2 ** 33, 2 ** 40].map((time) => createId("upload", time, randomBytes(10)));
    expect(ids.toSorted()).toEqual(ids);
    expect(createId("upload", 5, randomBytes(10))).not.toBe(createId("upload", 5, randomBytes(10)));
  });

  it("derived from a parent are the same every time", () => {
    const parent = createId("batch", 7, randomBytes(10));
    expect(deriveId("edit", parent, "line 1")).toBe(deriveId("edit", parent, "line 1"));
    expect(deriveId("edit", parent, "line 1")).not.toBe(deriveId("edit", parent, "line 2"));
    expect(idSchema("edit").safeParse(deriveId("edit", parent, "line 1")).success).toBe(true);
  });

  it.each(["upl_../../etc/passwd", "upl_", `upl_${"i".repeat(26)}`, `upl_${"0".repeat(27)}`, "UPL_0"])(
    "rejects %s",
    (id) => {
      expect(idSchema("upload").safeParse(id).success).toBe(false);
    },
  );
});
