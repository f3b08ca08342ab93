import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { picture } from "../functions/test-images.ts";
import { RunningService } from "../local/running-service.ts";
import { type BinOptions, type BinResult, lastJson, runBin, tinyModel } from "./run-bin.ts";

let running: RunningService;
let folder: string;
const file = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "visii-server-cli-"));
  await writeFile(file("before.png"), await picture());
  await writeFile(file("after.png"), await picture("png", { red: 30 }));
  await writeFile(file("photo.jpg"), await picture("jpeg", { width: 48, height: 32 }));
  await writeFile(file("photo.avif"), await picture("avif", { width: 32, height: 48 }));
  running = await RunningService.start();
}, 240_000);
afterAll(async () => {
  await running?.stop();
  await rm(folder, { recursive: true, force: true });
});

function visii(words: readonly string[], options: Partial<BinOptions> = {}): Promise<BinResult> {
  const { url, key } = running.service;
  const env = { VISII_API_KEY: key };
  return runBin([...words, "--server", url], { cwd: folder, env, ...options });
}
const pair = ["--pair", "before.png", "after.png"];

describe("visii --server", () => {
  it("learns and applies through a service, with the output of a local run", async () => {
    const remote = await visii(["learn", ...pair, "--out", "there.visii", "--steps", "4", "--json"]);
    expect(remote).toMatchObject({ code: 0 });
    expect(remote.stderr).toMatch(/uploading {2}1\/1 pairs[\s\S]*learning <ins> {2}step 4\/4/);
    const local = await runBin(
      ["learn", ...pair, "--out", "here.visii", "--steps", "4", "--json", "--model", tinyModel],
      { cwd: folder },
    );
    expect(local.code).toBe(0);
    const [there, here] = [lastJson(remote.stdout), lastJson(local.stdout)] as Record<string, unknown>[];
    const { seconds: _, out: __, ...learnedHere } = here!;
    // The pair only changes colors. The warning contains a file name derived from the instruction's.
    expect(here!.warnings).toContainEqual(expect.stringContaining("--out here.cube"));
    const renamed = JSON.parse(JSON.stringify(there).replaceAll("there.cube", "here.cube"));
    // The same seed and model give the same instruction.
    expect(renamed).toMatchObject(learnedHere);
    expect(Object.keys(there!)).toEqual(Object.keys(here!));

    const photos = ["photo.jpg", "photo.avif"];
    const applied = await visii([
      "apply",
      "there.visii",
      ...photos,
      "--out",
      "edited",
      "--steps",
      "1",
      "--json",
    ]);
    expect(applied).toMatchObject({ code: 0 });
    expect(lastJson(applied.stdout)).toEqual({
      results: photos.map((input) => ({
        input,
        output: join("edited", input),
        seconds: expect.any(Number),
      })),
      seed: 0,
    });
    const sizes = await Promise.all(
      photos.map(async (name) => sharp(await readFile(file(join("edited", name)))).metadata()),
    );
    expect(sizes.map(({ width, height, format }) => [width, height, format])).toEqual([
      [48, 32, "jpeg"],
      [32, 48, "heif"],
    ]);
    // The uploads for the edit are deleted; the instruction learned on the server is kept.
    const { data } = (await running.call("GET", "/v1/instructions")).body;
    expect(data).toHaveLength(1);
    const byId = await visii(["apply", data[0].id, "photo.jpg", "--out", "again", "--steps", "1"]);
    expect(byId.stdout).toMatch(/^again\/photo\.jpg {2}\(\d+\.\d s\)\n$/);

    const made: { picture: Buffer; steps: number }[] = [];
    for (const mixing of ["joined", "in-turn"]) {
      const words = ["--text", "blue", "--mixing", mixing, "--steps", "1", "--out", mixing];
      expect(await visii(["apply", data[0].id, "photo.jpg", ...words])).toMatchObject({ code: 0 });
      const { steps } = (await running.call("GET", "/v1/edits?limit=1")).body.data[0].usage;
      made.push({ picture: await readFile(file(join(mixing, "photo.jpg"))), steps });
    }
    expect(made.map(({ steps }) => steps)).toEqual([1, 2]);
    expect(made[0]!.picture).not.toEqual(made[1]!.picture);

    const sampled = new Set<string>();
    const guided = ["--scheduler", "ddim", "--text-guidance", "3"];
    const ways = [["--scheduler", "ddim"], ["--scheduler", "unipc"], guided];
    for (const way of [...ways, [...guided, "--guidance-interval", "0,0.5"]]) {
      const how = [...way, "--steps", "2", "--out", "sampled"];
      expect(await visii(["apply", data[0].id, "photo.jpg", ...how])).toMatchObject({ code: 0 });
      sampled.add((await readFile(file(join("sampled", "photo.jpg")))).toString("base64"));
    }
    expect(sampled.size).toBe(4);
  }, 240_000);

  it("edits with a text prompt alone, with several results for each photo", async () => {
    const words = ["edit", "make it sepia", "photo.jpg", "--out", "worded", "--count", "2", "--steps", "1"];
    expect(await visii(words)).toMatchObject({ code: 0 });
    expect((await readdir(file("worded"))).sort()).toEqual(["photo-2.jpg", "photo.jpg"]);
  }, 120_000);

  it("cancels the remote job when interrupted", async () => {
    const stopped = await visii(["learn", ...pair, "--out", "stopped.visii", "--steps", "2000"], {
      interruptAt: /learning <ins>/,
    });
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toMatch(/canceled ins_\w+ on the server/);
    const [, id] = /canceled (ins_\w+)/.exec(stopped.stderr) ?? [];
    expect((await running.end(`/v1/instructions/${id}`, 60)).status).toBe("canceled");
  }, 180_000);

  it.each<[string, readonly string[], Partial<BinOptions>, number, RegExp]>([
    ["a wrong key", ["--key", "visii_test_wrong"], {}, 1, /127\.0\.0\.1:\d+: .*key/],
    ["no key", [], { env: { VISII_API_KEY: "" } }, 2, /--server requires an API key; give --key/],
    ["an option of this machine", ["--detail", "plain"], {}, 2, /--detail cannot be used with --server/],
    ["nobody there", ["--server", "http://127.0.0.1:9"], {}, 1, /127\.0\.0\.1:9 is not reachable/],
    ["no address", ["--server", "somewhere"], {}, 2, /must be an http or https URL/],
  ])("explains %s", async (_, words, options, code, message) => {
    const { url, key } = running.service;
    const result = await runBin(["edit", "sepia", "photo.jpg", "--out", "none", "--server", url, ...words], {
      cwd: folder,
      env: { VISII_API_KEY: key },
      ...options,
    });
    expect(result.code).toBe(code);
    expect(result.stderr).toMatch(message);
    expect(result.stderr).not.toMatch(/bug in visii|\n {4}at /);
  });

  it("prints the service's reason when it rejects the job", async () => {
    const whole = await readFile(file("photo.jpg"));
    await writeFile(file("torn.visii"), whole);
    const refused = await visii(["apply", "torn.visii", "photo.jpg", "--out", "none"]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/visii: .*\S/);
    expect(refused.stderr).not.toMatch(/bug in visii/);
  });
});
