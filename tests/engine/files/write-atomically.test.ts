import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ensureWritableFolder } from "../../../engine/files/write-atomically.ts";

it("several processes can create one folder at the same time", async () => {
  for (let round = 0; round < 200; round++) {
    const scratch = await mkdtemp(join(tmpdir(), "visii-folder-"));
    const folder = join(scratch, "a", "b", "c");
    await Promise.all([1, 2, 3, 4].map(() => ensureWritableFolder(folder)));
    await rm(scratch, { recursive: true });
  }
});

it("a folder that cannot be created is reported at once", async () => {
  await expect(ensureWritableFolder("/proc/visii/folder")).rejects.toMatchObject({ code: "not_writable" });
});
