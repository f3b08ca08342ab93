import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
const platform = join(root, ".sst", "platform");

/** A resource of the program. */
export interface Resource {
  /** Pulumi's type, such as `aws:sqs/queue:Queue`. */
  readonly type: string;
  /** Logical name; its name in AWS may differ. */
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Inputs, and the properties that AWS adds. */
  readonly state: Readonly<Record<string, unknown>> & { readonly id: string; readonly arn: string };
  readonly options: {
    readonly retainOnDelete: boolean;
    readonly protect: boolean;
    readonly ignoreChanges: readonly string[];
    readonly parent?: string;
    /** Names of resources. */
    readonly dependsOn: readonly string[];
  };
}
/** A function's build, as requested from SST. */
export interface Build {
  readonly functionID: string;
  readonly handler: string;
  readonly runtime: string;
  /** Linked resources by name. Their properties are encrypted next to the code. */
  readonly links: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly copyFiles: readonly { readonly from: string; readonly to: string }[];
}
export interface Evaluated {
  readonly builds: readonly Build[];
  readonly app: {
    readonly removal: string;
    readonly protect: boolean;
    readonly providers: {
      readonly aws: { readonly defaultTags?: { readonly tags: Readonly<Record<string, string>> } };
    };
  };
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly resources: readonly Resource[];
}

/** A change of one of the program's files. It is an error if `from` does not occur exactly once. */
export interface Mutation {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** The used part of SST's esbuild. */
interface Esbuild {
  build(options: object): Promise<unknown>;
}
interface PluginBuild {
  onLoad(
    filter: { readonly filter: RegExp },
    load: (file: { readonly path: string }) => Promise<{ contents: string; loader: "ts" }>,
  ): void;
}

/** Bundles `sst.config.ts` as SST does, runs it in a child process and returns its resources. */
export async function evaluate(
  stage: string,
  options: { readonly mutation?: Mutation; readonly environment?: Readonly<Record<string, string>> } = {},
): Promise<Evaluated> {
  const { mutation, environment = {} } = options;
  // Below the platform, so that its packages are found.
  const folder = join(platform, "evaluated");
  await mkdir(folder, { recursive: true });
  const work = await mkdtemp(join(tmpdir(), "visii-infra-"));
  const build = await mkdtemp(join(folder, `${stage}-`));
  try {
    const bundle = join(build, "program.mjs");
    let mutated = 0;
    await (createRequire(join(platform, "package.json"))("esbuild") as Esbuild).build({
      stdin: { contents: entry, resolveDir: root, loader: "ts" },
      outfile: bundle,
      bundle: true,
      platform: "node",
      format: "esm",
      logLevel: "error",
      packages: "external",
      inject: [join(platform, "src", "shim", "run.js")],
      target: "node20",
      keepNames: true,
      absWorkingDir: root,
      // Read by components while they load; the host fills them.
      banner: { js: "globalThis.$app = {}; globalThis.$cli = { paths: {} }; globalThis.$dev = false;" },
      plugins: mutation
        ? [
            {
              name: "mutation",
              setup: (plugin: PluginBuild) =>
                plugin.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
                  const text = await readFile(path, "utf8");
                  if (path !== join(root, mutation.file)) return { contents: text, loader: "ts" };
                  const parts = text.split(mutation.from);
                  if (parts.length !== 2)
                    throw new Error(
                      `${mutation.file} contains "${mutation.from}" ${parts.length - 1} times; it must once`,
                    );
                  mutated++;
                  return { contents: parts.join(mutation.to), loader: "ts" };
                }),
            },
          ]
        : [],
    });
    if (mutation && mutated !== 1) throw new Error(`${mutation.file} is not part of the program`);
    const out = join(build, "resources.json");
    const env = { PATH: process.env.PATH, HOME: work, SST_SERVER: "", SST_SECRETS: "{}", ...environment };
    await promisify(execFile)(process.execPath, [bundle, JSON.stringify({ root, stage, work, out })], {
      env,
      maxBuffer: 64 * 1024 * 1024,
    });
    return JSON.parse(await readFile(out, "utf8")) as Evaluated;
  } finally {
    await rm(work, { recursive: true, force: true });
    await rm(build, { recursive: true, force: true });
  }
}

/** Entry like SST's, with the host of the tests. The program uses SST and its providers as globals. */
const entry = [
  ["{ run }", "./.sst/platform/src/auto/run.ts"],
  ["{ host }", "./tests/infra/host/program-host.ts"],
  ["* as sst", "./.sst/platform/src/components/index.ts"],
  ["* as aws", "@pulumi/aws"],
  ["* as dockerbuild", "@pulumi/docker-build"],
  ["* as random", "@pulumi/random"],
]
  .map(([what, file]) => `import ${what} from "${file}";`)
  .concat("Object.assign(globalThis, { sst, aws, dockerbuild, random });")
  .concat(`await host((await import(${JSON.stringify("./sst.config.ts")})).default, run);`)
  .join("\n");
