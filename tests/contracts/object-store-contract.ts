import { expect, it } from "vitest";
import type { ObjectStore } from "../../shared/ports/object-store.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** What every object store does. */
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

  const post = async (store: ObjectStore, key: string, text: string, change?: (form: FormData) => void) => {
    const { url, fields } = await store.presignUpload({
      key,
      contentType: "image/png",
      maximumBytes: 100,
      expiresInSeconds: 60,
    });
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    change?.(form);
    form.set("file", new Blob([bytes(text)]));
    return fetch(url, { method: "POST", body: form });
  };

  it("takes a file through a signed form", async () => {
    const store = open();
    expect((await post(store, "u/file", "picture")).ok).toBe(true);
    expect(new TextDecoder().decode(await store.get("u/file"))).toBe("picture");
  });

  it("refuses a form with another key, another type, a forged signature, too much or nothing", async () => {
    const store = open();
    const refused = [
      await post(store, "f/a", "x", (form) => form.set("key", "f/b")),
      await post(store, "f/a", "x", (form) => form.set("Content-Type", "text/html")),
      await post(store, "f/a", "x", (form) => form.set("X-Amz-Signature", "0".repeat(64))),
      await post(store, "f/a", "x".repeat(101)),
      await post(store, "f/a", ""),
    ];
    expect(refused.map(({ status }) => status >= 400 && status < 500)).toEqual(refused.map(() => true));
    expect(await store.list("f/", 10)).toEqual([]);
  });

  it("lets the holder of a signed link read", async () => {
    const store = open();
    await store.put("r/file", bytes("result"), "image/png");
    const answer = await fetch(await store.presignDownload("r/file", 60));
    expect(await answer.text()).toBe("result");
  });

  it("refuses a link that has expired", async () => {
    const store = open();
    await store.put("r/old", bytes("result"), "image/png");
    const link = await store.presignDownload("r/old", 1);
    await new Promise((resolve) => setTimeout(resolve, 2100));
    expect((await fetch(link)).status).toBe(403);
  });
}
