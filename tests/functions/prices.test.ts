import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { editingCost, prices, workCost } from "../../shared/prices.ts";
import { Api, type Caller } from "./api.ts";
import { picture } from "./test-images.ts";

let api: Api;
let call: Caller;
let image: string;
beforeAll(async () => {
  api = await Api.open({ dailyQuotas: { uploadBytes: 100_000, imports: 2 } });
  call = await api.caller(20_000);
  image = await api.upload(call, await picture());
});
afterAll(() => api?.stop());

const dryRun = { Prefer: "dry-run" };

describe("the price of an edit", () => {
  it("depends on steps, pixels and results, with a minimum", () => {
    expect(editingCost({ steps: 1 }, 1e6)).toBe(prices.resultFloor);
    expect(editingCost({ steps: 100 }, 1e6)).toBe(100 * 30 + 100);
    expect(editingCost({ steps: 100, count: 4 }, 24e6)).toBe(4 * (3000 + 2400));
    expect(editingCost({ steps: 100, scheduler: "heun" }, 1e6)).toBe(199 * 30 + 100);
    const both = { steps: 100, instruction: "ins_1", text: "sepia" };
    expect(editingCost({ ...both, mixing: "joined" }, 1e6)).toBe(3100);
    // The model may sample separately for the instruction and the text.
    expect(editingCost(both, 1e6)).toBe(6100);
    expect(workCost({ steps: 200, images: 1, pixels: 1e6 }, "edit")).toBe(6100);
    expect(workCost({ steps: 24, images: 24, pixels: 24 * 64 }, "edit")).toBe(24_000);
    expect(workCost({ steps: 0, images: 0, pixels: 0 }, "import")).toBe(prices.importedFile);
  });

  it("is returned by a dry run and in the response, and is reserved", async () => {
    const wish = { text: "sepia", images: [image, image], steps: 100 };
    const key = { "Idempotency-Key": "order-1" };
    const quoted = await call("POST", "/v1/edits", wish, { ...dryRun, ...key });
    expect([quoted.status, quoted.headers.get("preference-applied")]).toEqual([200, "dry-run"]);
    expect(quoted.body).toEqual({ object: "quote", cost: 6002, balance: 20_000, covered: true });
    expect((await call("GET", "/v1/edits")).body.data).toEqual([]);
    // The dry run stored no response under the key.
    const made = await call("POST", "/v1/edits", wish, key);
    expect([made.status, made.body.cost]).toEqual([202, 6002]);
    expect((await call("GET", "/v1/usage")).body).toMatchObject({ balance: 20_000 - 6002, reserved: 6002 });
    await call("POST", `/v1/edits/${made.body.id}/cancel`);
  });

  it("is returned also if the balance is too low and for learning; invalid requests are still refused", async () => {
    const edit = { text: "sepia", images: Array.from({ length: 8 }, () => image), steps: 100, count: 4 };
    expect((await call("POST", "/v1/edits", edit, dryRun)).body.covered).toBe(false);
    const learning = { pairs: [{ before: image, after: image }], steps: 10 };
    expect((await call("POST", "/v1/instructions", learning, dryRun)).body.cost).toBe(500);
    const unknown = { text: "sepia", images: [`upl_${"0".repeat(26)}`] };
    expect((await call("POST", "/v1/edits", unknown, dryRun)).status).toBe(404);
  });
});

describe("the daily quota", () => {
  it("counts the bytes that upload forms allow, for each account separately", async () => {
    const wish = (bytes: number) => ({ content_type: "image/png", bytes });
    const other = await api.caller();
    expect((await other("POST", "/v1/uploads", wish(60_000))).status).toBe(201);
    const { status, body } = await other("POST", "/v1/uploads", wish(60_000));
    expect([status, body.code]).toEqual([429, "quota_exceeded"]);
    expect(body.detail).toMatch(
      /^60000 more bytes of uploads would exceed the quota of 100000 .* 60000 are used/,
    );
    expect((await other("POST", "/v1/uploads", wish(40_000))).status).toBe(201);
    expect((await call("POST", "/v1/uploads", wish(40_000))).status).toBe(201);
  });

  it("limits imports", async () => {
    const bytes = Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 0, 0, 0]), Buffer.from("{}      ")]);
    const upload = await api.upload(call, bytes, "application/vnd.visii");
    const statuses = [];
    for (let made = 0; made < 3; made++)
      statuses.push((await call("POST", "/v1/instructions/import", { upload })).status);
    expect(statuses).toEqual([202, 202, 429]);
  });
});
