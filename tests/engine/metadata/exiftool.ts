import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * An independent reader. Its tests are skipped if it is not installed (Debian: libimage-exiftool-perl).
 */
export const hasExiftool = (() => {
  try {
    execFileSync("exiftool", ["-ver"]);
    return true;
  } catch {
    return false;
  }
})();

/** All tags that exiftool finds, by `Group:Name`, numbers as stored. Fails if it finds the file invalid. */
export function readTags(file: Uint8Array): Record<string, unknown> {
  const folder = mkdtempSync(join(tmpdir(), "visii-tags-"));
  try {
    const path = join(folder, "file");
    writeFileSync(path, file);
    const [tags] = JSON.parse(
      execFileSync("exiftool", ["-json", "-n", "-a", "-G1", "-validate", "-warning", "-all", path], {
        encoding: "utf8",
      }),
    );
    return tags;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
