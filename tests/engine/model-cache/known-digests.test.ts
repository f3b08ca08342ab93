import { createHash } from "node:crypto";
import { mkdtemp, open, readdir, readFile, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { KnownDigests } from "../../../engine/model-cache/known-digests.ts";

const bytes = 2 ** 24 + 7;
const truth = createHash("sha256").update(new Uint8Array(bytes)).digest("hex");
const lie = "f".repeat(64);
/** Milliseconds until a file's last change is old enough for its digest to be stored. */
const settled = 2100;

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "visii-digests-"));
  file = join(folder, "weights");
  await writeFile(file, "");
  await truncate(file, bytes);
});
afterEach(() => rm(folder, { recursive: true }));

/** Changes the file as another process would. */
const ask = () =>
  new KnownDigests(join(folder, "notes"), (cause) => {
    throw cause;
  }).sha256(file);
const notePath = async () => join(folder, "notes", (await readdir(join(folder, "notes")))[0]!);
/** Stores a wrong digest. Returning it shows that the stored digest was used. */
async function lieInNote(check = true): Promise<void> {
  const { identity } = JSON.parse(await readFile(await notePath(), "utf8"));
  const proof = createHash("sha256").update(`${identity}\n${lie}`).digest("hex");
  await writeFile(await notePath(), JSON.stringify({ identity, digest: lie, check: check ? proof : truth }));
}

it("a file that was read once is not read again until it changes", async () => {
  await wait(settled);
  expect(await ask()).toBe(truth);
  await lieInNote();
  expect(await ask()).toBe(lie);

  const { atime, mtime } = await stat(file);
  const handle = await open(file, "r+");
  await handle.write("x", 5);
  await handle.close();
  await utimes(file, atime, mtime);
  const changed = createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
  expect(await ask()).toBe(changed);
});

it("two kinds of digest of one file are stored separately", async () => {
  await wait(settled);
  const failed = (cause: unknown) => {
    throw cause;
  };
  const other = () => new KnownDigests(join(folder, "notes"), failed).digest(file, "other", async () => lie);
  expect(await other()).toBe(lie);
  expect(await ask()).toBe(truth);
  expect(await other()).toBe(lie);
});

it("a digest that was stored right after the file changed is not used", async () => {
  expect(await ask()).toBe(truth);
  await lieInNote();
  expect(await ask()).toBe(truth);
});

it("a damaged entry is not used", async () => {
  await wait(settled);
  await ask();
  await lieInNote(false);
  expect(await ask()).toBe(truth);
  await writeFile(await notePath(), "{");
  expect(await ask()).toBe(truth);
});

it("a digest that cannot be stored is still returned", async () => {
  const failures: unknown[] = [];
  const digests = new KnownDigests(join(file, "notes"), (cause) => failures.push(cause));
  expect(await digests.sha256(file)).toBe(truth);
  expect(failures).toEqual([expect.objectContaining({ code: "not_writable" })]);
});

it("digests of small files are not stored", async () => {
  await writeFile(file, "small");
  expect(await ask()).toBe(createHash("sha256").update("small").digest("hex"));
  await expect(readdir(join(folder, "notes"))).rejects.toMatchObject({ code: "ENOENT" });
});
