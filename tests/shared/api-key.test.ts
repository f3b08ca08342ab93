import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  createKeySecret,
  hashKeySecret,
  isWellFormedKey,
  keySecretBytes,
} from "../../shared/accounts/api-key.ts";

describe("an API key", () => {
  it("is recognized by its format and checksum, without a lookup", () => {
    const secret = createKeySecret("test", randomBytes(keySecretBytes));
    expect(secret).toMatch(/^visii_test_[0-9A-Za-z]{38}$/);
    expect(isWellFormedKey(secret)).toBe(true);
    const mistyped = secret.slice(0, 20) + (secret[20] === "a" ? "b" : "a") + secret.slice(21);
    expect(isWellFormedKey(mistyped)).toBe(false);
    expect(isWellFormedKey("")).toBe(false);
  });

  it("is stored only as a hash", () => {
    expect(hashKeySecret("visii_test_x")).toMatch(/^[0-9a-f]{64}$/);
  });

  it("differs from every other", () => {
    const secrets = Array.from({ length: 50 }, () => createKeySecret("live", randomBytes(keySecretBytes)));
    expect(new Set(secrets).size).toBe(50);
  });
});
