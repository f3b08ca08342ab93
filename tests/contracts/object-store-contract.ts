import { expect, it } from "vitest";
import type { ObjectStore } from "../../shared/ports/object-store.ts";
import { maxUploadBytes } from "../../shared/resources/upload.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** The contract of every object store. */
export function objectStoreContract(open: () => ObjectStore): void {
  it("keeps bytes under a key, and says when there are none", async () => {
    const store = open();
    await store.put("a/one", bytes("first"), "text/plain");
    await store.put("a/one", bytes("second"), "text/plain");
    expect(new TextDecoder().decode(await store.get("a/one"))).toBe("second");
    expect(await store.size("a/one")).toBe(6);
    expect(await store.get("a/none")).toBeUndefined();
    expect(await store.size("a/none")).toBeUndefined();
  });

  it("keeps an object as large as an upload may be, put directly or through a form, byte for byte", async () => {
    const store = open();
    const large = new Uint8Array(maxUploadBytes).map((_, index) => (index * 31) >> 7);
    await store.put("big/put", large, "image/png");
    expect(await store.size("big/put")).toBe(large.length);
    expect(Buffer.compare((await store.get("big/put")) ?? new Uint8Array(), large)).toBe(0);
    const { url, fields } = await store.presignUpload({
      key: "big/form",
      contentType: "image/png",
      maxBytes: large.length,
      expiresInSeconds: 60,
    });
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    form.set("file", new Blob([large]));
    expect((await fetch(url, { method: "POST", body: form })).ok).toBe(true);
    expect(Buffer.compare((await store.get("big/form")) ?? new Uint8Array(), large)).toBe(0);
  });

  it("deletes, also what is not there", async () => {
    const store = open();
    await store.put("d/one", bytes("x"), "text/plain");
    await store.delete("d/one");
    await store.delete("d/one");
    expect(await store.get("d/one")).toBeUndefined();
  });

  it("lists a prefix in order, a page at a time, and nothing beside it", async () => {
    const store = open();
    for (const key of ["l/b", "l/a", "l/c", "lx/a"]) await store.put(key, bytes(key), "text/plain");
    expect(await store.list("l/", 2)).toEqual([
      { key: "l/a", bytes: 3 },
      { key: "l/b", bytes: 3 },
    ]);
    expect((await store.list("l/", 2, "l/b")).map(({ key }) => key)).toEqual(["l/c"]);
    expect(await store.list("none/", 2)).toEqual([]);
  });

  interface Change {
    readonly fields?: (form: FormData) => void;
    readonly expiresInSeconds?: number;
    readonly waitSeconds?: number;
  }

  const post = async (store: ObjectStore, key: string, text: string, change: Change = {}) => {
    const { url, fields } = await store.presignUpload({
      key,
      contentType: "image/png",
      maxBytes: 100,
      expiresInSeconds: change.expiresInSeconds ?? 60,
    });
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    change.fields?.(form);
    form.set("file", new Blob([bytes(text)]));
    await sleep(change.waitSeconds ?? 0);
    return fetch(url, { method: "POST", body: form });
  };

  it("takes a file through a signed form, up to its last byte", async () => {
    const store = open();
    expect((await post(store, "u/file", "picture")).ok).toBe(true);
    expect(new TextDecoder().decode(await store.get("u/file"))).toBe("picture");
    expect((await post(store, "u/full", "x".repeat(100))).ok).toBe(true);
    expect(await store.size("u/full")).toBe(100);
  });

  /** The policy with a raised size limit and the signature of the original. */
  const widen = (form: FormData) => {
    const policy = JSON.parse(Buffer.from(String(form.get("Policy")), "base64").toString("utf8"));
    const conditions = policy.conditions.map((condition: unknown) =>
      Array.isArray(condition) && condition[0] === "content-length-range"
        ? ["content-length-range", 1, 1_000_000]
        : condition,
    );
    form.set("Policy", Buffer.from(JSON.stringify({ ...policy, conditions })).toString("base64"));
  };

  it.each<[string, string, Change]>([
    ["another key", "x", { fields: (form) => form.set("key", "f/other") }],
    ["another type", "x", { fields: (form) => form.set("Content-Type", "text/html") }],
    ["no type", "x", { fields: (form) => form.delete("Content-Type") }],
    ["a forged signature", "x", { fields: (form) => form.set("X-Amz-Signature", "0".repeat(64)) }],
    ["no signature", "x", { fields: (form) => form.delete("X-Amz-Signature") }],
    ["a policy of its own making", "x".repeat(101), { fields: widen }],
    ["a byte too much", "x".repeat(101), {}],
    ["nothing in it", "", {}],
    ["a time that has passed", "x", { expiresInSeconds: 1, waitSeconds: 2.1 }],
  ])("refuses a form with %s", async (_, text, change) => {
    const store = open();
    const { status } = await post(store, "f/a", text, change);
    expect([400, 403]).toContain(status);
    expect(await store.list("f/", 10)).toEqual([]);
  });

  it("lets the holder of a signed link read", async () => {
    const store = open();
    await store.put("r/file", bytes("result"), "image/png");
    const answer = await fetch(await store.presignDownload("r/file", 60));
    expect(await answer.text()).toBe("result");
  });

  it("tells a browser under which name to save, in any script, and quotes what could end the name", async () => {
    const store = open();
    await store.put("r/named", bytes("result"), "application/octet-stream");
    const named = async (name: string) => {
      const answer = await fetch(await store.presignDownload("r/named", 60, name));
      expect(answer.status).toBe(200);
      return answer.headers.get("content-disposition");
    };
    expect(await named("golden hour.visii")).toBe(
      "attachment; filename=\"golden hour.visii\"; filename*=UTF-8''golden%20hour.visii",
    );
    expect(await named("\ud800")).toContain("UTF-8''%EF%BF%BD");
    expect(await named('夕焼け"; x="\r\n.visii')).toBe(
      `attachment; filename="____; x=___.visii"; filename*=UTF-8''${encodeURIComponent('夕焼け"; x="\r\n.visii')}`,
    );
  });

  it("refuses a link that has expired", async () => {
    const store = open();
    await store.put("r/old", bytes("result"), "image/png");
    const link = await store.presignDownload("r/old", 1);
    await sleep(2.1);
    expect((await fetch(link)).status).toBe(403);
  });

  it("refuses a link that was bent to another object, to a later time, or has no signature", async () => {
    const store = open();
    for (const key of ["r/mine", "r/yours"]) await store.put(key, bytes(key), "image/png");
    const link = new URL(await store.presignDownload("r/mine", 60));
    const bend = (change: (url: URL) => void) => {
      const url = new URL(link);
      change(url);
      return fetch(url);
    };
    const answers = await Promise.all([
      bend((url) => {
        url.pathname = url.pathname.replace("mine", "yours");
      }),
      bend((url) => url.searchParams.set("X-Amz-Expires", "86400")),
      bend((url) => url.searchParams.set("X-Amz-Signature", "0".repeat(64))),
      bend((url) => url.searchParams.set("response-content-disposition", "inline")),
      bend((url) => {
        url.search = "";
      }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403]);
    expect((await bend(() => undefined)).status).toBe(200);
  });
}

const sleep = (seconds: number) => new Promise<void>((resolve) => setTimeout(resolve, seconds * 1000));
