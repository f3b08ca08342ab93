import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ensureWritableFolder, writeAtomically } from "../../../engine/files/write-atomically.ts";
import { psnr } from "../../../engine/image-quality/psnr.ts";
import { decodeImage } from "../../../engine/images/decode-image.ts";
import { createRgbImage } from "../../../engine/images/rgb-image.ts";
import { writeImage } from "../../../engine/images/write-image.ts";
import { createPlainImage } from "./drawn-images.ts";
import { drawnImage } from "./stand-ins.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "visii-write-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("writeImage", () => {
  it.each(["png", "jpg", "JPEG", "webp", "avif"])(
    "writes .%s that reads back as the same image",
    async (ending) => {
      const path = join(folder, `picture.${ending}`);
      const image = drawnImage(40, 24);
      await writeImage(path, image);
      // Quality 92 on a smooth image; AVIF has another scale.
      expect(psnr((await decodeImage(path)).image, image)).toBeGreaterThan(34);
    },
  );

  it("keeps transparency if the format supports it, else puts it on white", async () => {
    const alpha = new Uint8Array(16).fill(128);
    const red = createPlainImage(4, 4, [1, -1, -1]);
    for (const ending of ["png", "webp", "avif"]) {
      await writeImage(join(folder, `clear.${ending}`), red, { alpha });
      expect((await decodeImage(join(folder, `clear.${ending}`))).transparency!.alpha[3]).toBe(128);
    }
    await writeImage(join(folder, "clear.jpg"), red, { alpha });
    const flat = await decodeImage(join(folder, "clear.jpg"));
    expect(flat.transparency).toBeUndefined();
    expect(flat.image.data[16]).toBeCloseTo(0, 1);
  });

  it("rejects an extension that it cannot write", async () => {
    await expect(writeImage(join(folder, "picture.gif"), drawnImage(4, 4))).rejects.toThrow(/use \.png/);
  });

  it("throws an internal error for NaN, and writes nothing", async () => {
    const path = join(folder, "nan.png");
    const broken = createRgbImage(1, 1, Float32Array.of(0, Number.NaN, 0));
    await expect(writeImage(path, broken)).rejects.toThrow(/internal: NaN/);
    expect(await readdir(folder)).not.toContain("nan.png");
  });
});

describe("writeAtomically", () => {
  it("reports in one sentence why it cannot write, and leaves no files", async () => {
    await writeFile(join(folder, "file"), "a file");
    await mkdir(join(folder, "taken.png"));
    await expect(writeAtomically(join(folder, "no", "x.png"), "x")).rejects.toThrow(
      /folder does not exist; create it/,
    );
    await expect(writeAtomically(join(folder, "file", "x.png"), "x")).rejects.toThrow(/a file, not a folder/);
    await expect(writeAtomically(join(folder, "taken.png"), "x")).rejects.toThrow(
      /a folder with this name exists/,
    );
    expect((await readdir(folder)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("keeps the old file, and leaves no partial one, when the disk fails during a write", async () => {
    const inside = join(folder, "full");
    await mkdir(inside);
    const path = join(inside, "result.bin");
    await writeFile(path, "old");
    const module = new URL("../../../engine/files/write-atomically.ts", import.meta.url).href;
    const script = `const { writeAtomically } = await import(${JSON.stringify(module)});
      await writeAtomically(${JSON.stringify(path)}, Buffer.alloc(200_000)).catch((error) => console.log(error.code + "|" + error.message));`;
    // A limit of 16 blocks of 1 KiB on file size simulates a full disk: the write fails halfway.
    const child = spawnSync(
      "bash",
      ["-c", 'ulimit -f 16; exec "$0" --import tsx --input-type=module -e "$1"', process.execPath, script],
      {
        encoding: "utf8",
        env: { ...process.env, TSX_DISABLE_CACHE: "1" },
      },
    );
    expect(child.stderr).toBe("");
    expect(child.stdout).toMatch(/^not_writable\|Cannot write .*result\.bin: .*; .*\.\n$/);
    expect(await readdir(inside)).toEqual(["result.bin"]);
    expect(await readFile(path, "utf8")).toBe("old");
  });
});

describe("ensureWritableFolder", () => {
  it("creates a folder and leaves it empty", async () => {
    await ensureWritableFolder(join(folder, "new", "deep"));
    expect(await readdir(join(folder, "new", "deep"))).toEqual([]);
  });

  it("rejects a path through a file", async () => {
    await writeFile(join(folder, "plain"), "x");
    await expect(ensureWritableFolder(join(folder, "plain"))).rejects.toMatchObject({ code: "not_writable" });
    await expect(ensureWritableFolder("/proc/visii")).rejects.toMatchObject({ code: "not_writable" });
  });
});
