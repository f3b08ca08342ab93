import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { askCard, parseCards, requireCardMemory } from "../../gpu-worker/gpu-memory.ts";

let folder: string;
const tool = async (script: string) => {
  const path = join(folder, "smi");
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
};
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "visii-card-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("a GPU's memory", () => {
  it("is read from nvidia-smi", () => {
    expect(parseCards("NVIDIA L4, 23034\nTesla T4, 15360\n")).toEqual([
      { name: "NVIDIA L4", memory: 23034 * 2 ** 20 },
      { name: "Tesla T4", memory: 15360 * 2 ** 20 },
    ]);
    expect(parseCards("No devices were found")).toEqual([]);
  });

  it("is that of the worker's GPU", async () => {
    const path = await tool('echo "NVIDIA L4, 23034"; echo "Tesla T4, 15360"');
    expect((await askCard(1, path)).name).toBe("Tesla T4");
    await expect(askCard(2, path)).rejects.toThrow("did not report the memory of GPU 2 (GPU 2 not found)");
    await expect(askCard(0, join(folder, "absent"))).rejects.toThrow(
      /absent did not report .*VISII_LANE_MEMORY/,
    );
  });

  it("rejects lanes that do not fit, with the GPU's name and both figures", () => {
    const [card] = parseCards("Tesla T4, 15360");
    expect(() => requireCardMemory(card!, [8e9, 13e9])).toThrow(
      "The Tesla T4 has 16.1 GB of memory, but 2 lanes need 22.6 GB; lower VISII_LANE_MEMORY or use a larger GPU.",
    );
    expect(() => requireCardMemory(card!, [15e9])).not.toThrow();
  });
});
