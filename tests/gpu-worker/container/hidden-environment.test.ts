import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "./container.ts";

const user = 1000;
const secret = "the way to the task's credentials";
/** What of another process `node -e` can open: prints the first bytes of each file, or why it cannot. */
const spy = `for (const name of ["environ", "mem", "maps", "fd"])
  try {
    const path = "/proc/" + process.argv[1] + "/" + name;
    if (name === "fd") fs.readdirSync(path); else fs.openSync(path);
    console.log(name, name === "environ" ? fs.readFileSync(path, "latin1") : "open");
  } catch ({ code }) { console.log(name, code); }`;

const canSwitchUser = process.platform === "linux" && process.getuid?.() === 0;
if (!canSwitchUser) console.warn("NOT RUN: what a decoder sees of its worker; it needs root on Linux.");

/** As in the container: another process of the same user. Only root can start one. */
describe.runIf(canSwitchUser)("the worker's process", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "visii-node-"));
    chmodSync(folder, 0o755);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** What a process sees of another, both of one user and of a Node with these permissions. */
  async function seenBy(mode: number): Promise<string> {
    const node = join(folder, `node-${mode}`);
    copyFileSync(process.execPath, node);
    chmodSync(node, mode);
    const worker = spawn(node, ["-e", "console.log('up'); setInterval(() => {}, 1000)"], {
      env: { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: secret },
      stdio: ["ignore", "pipe", "inherit"],
      uid: user,
      gid: user,
    });
    await once(worker.stdout!, "data");
    const { stdout } = spawnSync(node, ["-e", spy, String(worker.pid)], {
      env: {},
      uid: user,
      gid: user,
      encoding: "utf8",
    });
    worker.kill();
    return stdout;
  }

  it("hides its environment and memory from a decoder of the same user", async () => {
    expect(await seenBy(0o755)).toContain(`=${secret}`);
    expect((await seenBy(0o711)).trim().split("\n")).toEqual([
      "environ EACCES",
      "mem EACCES",
      "maps EACCES",
      "fd EACCES",
    ]);
  });
});

it("both images run a Node that hides them", async () => {
  const text = await readFile(join(root, "gpu-worker/Dockerfile"), "utf8");
  const images = text.split(/^FROM /m).filter((stage) => /^\S+ AS (cpu|cuda)\n/.test(stage));
  expect(images).toHaveLength(2);
  for (const image of images) {
    const steps = image.split("\n").map((line) => line.trim());
    const [hiding, leaving] = [
      steps.indexOf("&& chmod 711 /usr/local/bin/node"),
      steps.indexOf(`USER ${user}:${user}`),
    ];
    expect(hiding).toBeGreaterThan(0);
    expect(leaving).toBeGreaterThan(hiding);
  }
});
