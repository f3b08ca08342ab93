import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { setTimeout } from "node:timers/promises";
import { visii } from "visii-client";
import { afterEach, describe, expect, it } from "vitest";
import { picture } from "../functions/test-images.ts";
import { tinyModel } from "./running-service.ts";

/**
 * Seconds from Ctrl-C to the end of the last process: a step of learning, and the closing of a few servers.
 */
const stopsWithin = 15;
const groups: number[] = [];

interface Dev {
  readonly child: ChildProcess;
  readonly said: () => { readonly stdout: string; readonly stderr: string };
  readonly ended: Promise<number | null>;
}

/** `npm run dev` in a separate process group, as in a terminal. */
function startDev(...options: readonly string[]): Dev {
  const child = spawn("npm", ["run", "--silent", "dev", "--", ...options], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  groups.push(child.pid!);
  const said = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const)
    child[stream]!.on("data", (chunk) => {
      said[stream] += String(chunk);
    });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { child, said: () => said, ended };
}

/** Command lines of all processes in a process group. */
function processesOf(group: number): string[] {
  return execFileSync("ps", ["-eo", "pgid=,stat=,args="], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.trim().split(/\s+/)[0] === String(group) && !/^\s*\d+\s+Z/.test(line));
}

/** IDs of the processes in a process group with a command line. */
function pidsOf(group: number, command: RegExp): number[] {
  return execFileSync("ps", ["-eo", "pid=,pgid=,args="], { encoding: "utf8" })
    .split("\n")
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [])
    .filter(([, , pgid, args]) => pgid === String(group) && command.test(args ?? ""))
    .map(([, pid]) => Number(pid));
}

async function ready(dev: Dev): Promise<{ readonly url: string; readonly key: string }> {
  const line = /^visii ready (http:\/\/127\.0\.0\.1:\d+) {2}key (visii_test_\w+)$/m;
  await expect.poll(() => dev.said().stdout, { timeout: 150_000 }).toMatch(line);
  const [, url, key] = line.exec(dev.said().stdout) ?? [];
  return { url: url!, key: key! };
}

afterEach(() => {
  for (const group of groups.splice(0))
    try {
      process.kill(-group, "SIGKILL");
    } catch {
      // All processes have ended, as expected.
    }
});

describe("npm run dev", () => {
  it("runs two workers, reports that its port is in use, and leaves nothing running after Ctrl-C during learning", async () => {
    const dev = startDev("--port", "0", "--workers", "2", "--model", tinyModel);
    const group = dev.child.pid!;
    const { url, key } = await ready(dev);
    expect(dev.said().stdout.trim().split("\n").slice(1)).toEqual([`Open ${url}/#key=${key}`]);
    const count = (part: string) => processesOf(group).filter((line) => line.includes(part)).length;
    expect([count("gpu-worker/main.ts"), count("gpu-worker/compute/child.ts")]).toEqual([2, 4]);

    const { port } = new URL(url);
    const second = startDev("--port", port, "--model", tinyModel);
    expect(await second.ended).toBe(1);
    expect(second.said().stderr).toContain(`Port ${port} is in use; choose another with --port.`);
    expect(processesOf(second.child.pid!)).toEqual([]);

    const api = visii({ baseUrl: url, key });
    const send = async (red: number) =>
      (await api.uploads.send(Uint8Array.from(await picture("png", { red })), "image/png")).id;
    const pairs = [{ before: await send(200), after: await send(20) }];
    const { id } = await api.instructions.create({ pairs, steps: 2000 });
    for await (const event of api.instructions.events(id))
      if (event.type === "progress" && event.progress.stage === "learn") break;

    const asked = Date.now();
    // A process that is too busy to handle the signal immediately must not be killed by its parent.
    const service = pidsOf(group, /^\S*node .*local\/dev\.ts/).at(-1);
    process.kill(service!, "SIGSTOP");
    process.kill(-group, "SIGINT");
    await setTimeout(500);
    process.kill(service!, "SIGCONT");
    // npm itself ends by the signal; the service must not end with a failure.
    expect(await dev.ended).not.toBe(1);
    expect((Date.now() - asked) / 1000).toBeLessThan(stopsWithin);
    expect(processesOf(group)).toEqual([]);
    expect(dev.said().stderr).not.toMatch(/Error|\n {4}at /);
  }, 300_000);

  it("leaves no workers running when it is killed", async () => {
    const dev = startDev("--port", "0", "--model", tinyModel);
    const group = dev.child.pid!;
    await ready(dev);
    const main = execFileSync("ps", ["-eo", "pid=,pgid=,args="], { encoding: "utf8" })
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .filter(([, pgid, ...args]) => pgid === String(group) && args.join(" ").includes("local/dev.ts"));
    for (const [pid] of main) process.kill(Number(pid), "SIGKILL");
    await expect.poll(() => processesOf(group), { timeout: stopsWithin * 1000, interval: 200 }).toEqual([]);
  }, 240_000);

  it.each([
    [["--port", "70000"], /--port 70000 is not a valid port/],
    [["--workers", "0"], /--workers 0 is not a valid number/],
    [["--model", "/nowhere"], /Model folder \/nowhere does not exist/],
  ])("explains %j", async (options, message) => {
    const dev = startDev(...options);
    expect(await dev.ended).toBe(2);
    expect(dev.said().stderr).toMatch(message);
  });
});
