import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ensureWritableFolder } from "../../../engine/files/write-aside.ts";

it("a folder that several make at one time is there for all of them", async () => {
  for (let round = 0; round < 200; round++) {
    const scratch = await mkdtemp(join(tmpdir(), "visii-folder-"));
    const folder = join(scratch, "a", "b", "c");
    await Promise.all([1, 2, 3, 4].map(() => ensureWritableFolder(folder)));
    await rm(scratch, { recursive: true });
  }
});

it("where nothing can be created, that is said and not waited for", async () => {
  await expect(ensureWritableFolder("/proc/visii/folder")).rejects.toMatchObject({ code: "not_writable" });
});
