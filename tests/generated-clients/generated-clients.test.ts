import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Api } from "../functions/api.ts";
import { picture } from "../functions/test-images.ts";
import { RunningService } from "../local/running-service.ts";

/** Clients as callers generate them from /openapi.json: they must compile, and the Python one must work. */
const run = promisify(execFile);
const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const runs = (command: string, ...args: string[]) =>
  run(command, args).then(
    () => true,
    () => false,
  );
/** A compiler's output on both streams. */
const withOutput = ({ message, stdout, stderr }: Error & { stdout?: string; stderr?: string }): never => {
  throw new Error([message, stdout, stderr].filter(Boolean).join("\n"));
};
const [hasPython, hasJava, hasMaven] = await Promise.all([
  runs("python3", "-m", "venv", "--help"),
  runs("java", "-version"),
  runs("mvn", "--version"),
]);
if (!hasPython || !hasJava) console.warn("Generated clients NOT TESTED, because Java or Python is missing");

/** PyPI's package of the generator carries its jar. */
const packages = [
  "openapi-generator-cli==7.26.0",
  "mypy==1.18.2",
  "urllib3==2.7.0",
  "python-dateutil==2.9.0.post0",
  "pydantic==2.13.5",
  "types-python-dateutil==2.9.0.20250822",
];

let folder = "";
let python = "";
const generators = {
  python: "packageName=visii_client",
  kotlin: "",
  swift6: "",
  "typescript-fetch": "",
} as const;
type Language = keyof typeof generators;
const logs = new Map<Language, string>();

describe.skipIf(!hasPython || !hasJava)("a client generated from /openapi.json", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "visii-clients-"));
    const api = await Api.open();
    await writeFile(join(folder, "openapi.json"), await (await api.app.request("/openapi.json")).text());
    await api.stop();
    await run("python3", ["-m", "venv", join(folder, "venv")]);
    python = join(folder, "venv/bin/python");
    await run(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...packages]);
    const { stdout } = await run(python, ["-c", "import openapi_generator_cli as g; print(g.__path__[0])"]);
    const jar = join(stdout.trim(), "openapi-generator.jar");
    for (const [language, properties] of Object.entries(generators) as [Language, string][]) {
      const { stdout, stderr } = await run(
        "java",
        ["-Xmx600m", "-jar", jar, "generate", "-i", join(folder, "openapi.json"), "-g", language].concat(
          ["-o", join(folder, language)],
          properties ? [`--additional-properties=${properties}`] : [],
        ),
        { maxBuffer: 2 ** 26 },
      );
      logs.set(language, stdout + stderr);
    }
  }, 600_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(Object.keys(generators) as Language[])("has names for every model in %s", (language) => {
    const log = logs.get(language)!;
    expect(log).not.toMatch(/Inline schema created/);
    expect(log).not.toMatch(/COLLISION/i);
    expect(log).not.toMatch(/ERROR o\.o/);
  });

  it("type-checks in Python", async () => {
    await run(
      python,
      ["-m", "mypy", "--ignore-missing-imports", "--follow-imports=silent", "-p", "visii_client"],
      { cwd: join(folder, "python") },
    ).catch(withOutput);
  }, 300_000);

  it("uploads, learns and edits in Python", async () => {
    const service = await RunningService.start();
    try {
      const files = [join(folder, "before.png"), join(folder, "after.png")];
      await writeFile(files[0]!, await picture("png", { red: 200 }));
      await writeFile(files[1]!, await picture("png", { red: 20 }));
      const { url, key } = service.service;
      const { stdout } = await run(python, [here("use_client.py"), url, key, ...files], {
        env: { ...process.env, PYTHONPATH: join(folder, "python") },
      });
      expect(stdout).toMatch(/^image\/png \d{3,}\n404\n$/);
    } finally {
      await service.stop();
    }
  }, 240_000);

  it.skipIf(!hasMaven)(
    "compiles in Kotlin",
    async () => {
      const project = join(folder, "kotlin");
      await copyFile(here("kotlin-pom.xml"), join(project, "pom.xml"));
      await run("mvn", ["-q", "-B", "compile"], { cwd: project, maxBuffer: 2 ** 26 }).catch(withOutput);
    },
    600_000,
  );

  it("type-checks in TypeScript", async () => {
    const project = join(folder, "typescript-fetch");
    const tsc = fileURLToPath(new URL("../../node_modules/typescript/bin/tsc", import.meta.url));
    await mkdir(project, { recursive: true });
    const options = "--noEmit --strict --ignoreConfig --target es2022 --lib es2022,dom --module esnext";
    await run(process.execPath, [
      tsc,
      ...`${options} --moduleResolution bundler`.split(" "),
      join(project, "index.ts"),
    ]).catch(withOutput);
    expect(await readFile(join(project, "index.ts"), "utf8")).toMatch(/export/);
  }, 240_000);
});
