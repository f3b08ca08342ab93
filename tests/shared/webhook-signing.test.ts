import { describe, expect, it } from "vitest";
import { createSecret, signWebhook, verifyWebhook } from "../../shared/webhooks/signing.ts";

const secret = createSecret(new Uint8Array(24).fill(7));
const now = Date.parse("2026-01-01T00:00:00Z");
const body = '{"type":"edit.succeeded"}';
const headers = signWebhook([secret], "dlv_1", now / 1000, body);

describe("a webhook's signature", () => {
  it("equals the example of the Standard Webhooks specification", () => {
    const signed = signWebhook(
      ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
      "msg_p5jXN8AQM9LWM0D4loKWxJek",
      1614265330,
      '{"test": 2432232314}',
    );
    expect(signed["webhook-signature"]).toBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  });

  it("accepts a valid message", () => {
    expect(verifyWebhook(secret, headers, body, now + 60_000)).toEqual({ type: "edit.succeeded" });
  });

  it("accepts any of several signatures, as when a secret is rotated", () => {
    const both = { ...headers, "webhook-signature": `v1,AAAA ${headers["webhook-signature"]}` };
    expect(verifyWebhook(secret, both, body, now)).toBeDefined();
  });

  it("rejects another body, ID, secret or version, and a missing signature", () => {
    const changed = [
      () => verifyWebhook(secret, headers, `${body} `, now),
      () => verifyWebhook(secret, { ...headers, "webhook-id": "dlv_2" }, body, now),
      () => verifyWebhook(createSecret(new Uint8Array(24)), headers, body, now),
      () =>
        verifyWebhook(
          secret,
          { ...headers, "webhook-signature": headers["webhook-signature"].replace("v1", "v2") },
          body,
          now,
        ),
      () => verifyWebhook(secret, {}, body, now),
    ];
    for (const verify of changed)
      expect(verify).toThrow(expect.objectContaining({ code: "invalid_signature" }));
  });

  it("rejects a replay after five minutes", () => {
    expect(() => verifyWebhook(secret, headers, body, now + 301_000)).toThrow(/replay/);
  });
});
