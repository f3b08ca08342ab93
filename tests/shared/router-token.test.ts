import { describe, expect, it } from "vitest";
import { createRouterToken, isRouterToken } from "../../shared/router-token.ts";

const day = 86_400_000;
const [key, first] = ["k".repeat(44), Date.parse("2026-11-01T10:00:00Z")];

describe("the router's token", () => {
  const later = first + 30 * day;
  const at = (deployedAt: number, now: number) => ({ key, deployedAt, now });

  it("is valid for its deployment, however old that is", () => {
    expect(isRouterToken(createRouterToken(key, first), at(first, first + 900 * day))).toBe(true);
  });

  it("is valid before the function is updated, and the earlier one for a day after the update", () => {
    expect(isRouterToken(createRouterToken(key, later), at(first, later))).toBe(true);
    expect(isRouterToken(createRouterToken(key, first), at(later, later + day / 2))).toBe(true);
    expect(isRouterToken(createRouterToken(key, first), at(later, later + 2 * day))).toBe(false);
  });

  it("cannot be created without the key", () => {
    const now = at(first, first);
    const [number = "", signature = ""] = createRouterToken(key, first).split(".");
    for (const forged of [
      createRouterToken("another", first),
      `${Number(number) + 1}.${signature}`,
      `${number}.`,
      `${number}.${signature}x`,
      "",
      "0",
    ])
      expect(isRouterToken(forged, now), forged).toBe(false);
  });
});
