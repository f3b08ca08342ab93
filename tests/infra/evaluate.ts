import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
const platform = join(root, ".sst", "platform");

/** A resource as the program asks for it. */
export interface Resource {
  /** Pulumi's, such as `aws:sqs/queue:Queue`. */
  readonly type: string;
  /** In the program, unlike its name in AWS. */
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Inputs and what AWS would add. */
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
/** What SST's command was asked to build for a function. */
export interface Build {
  readonly functionID: string;
  readonly handler: string;
  readonly runtime: string;
  /** Linked resources by name, whose properties travel sealed beside the code. */
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

/** A change of one of the program's files. Text that is not there exactly once is an error: such a mutation would prove nothing. */
export interface Mutation {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** As far as it is used of the esbuild that SST brings. */
interface Esbuild {
  build(options: object): Promise<unknown>;
}
interface PluginBuild {
  onLoad(
    filter: { readonly filter: RegExp },
    load: (file: { readonly path: string }) => Promise<{ contents: string; loader: "ts" }>,
  ): void;
}

/** Bundles `sst.config.ts` as SST does, runs it in a process of its own and reads what it made. */
export async function evaluate(
  stage: string,
  options: { readonly mutation?: Mutation; readonly environment?: Readonly<Record<string, string>> } = {},
): Promise<Evaluated> {
  const { mutation, environment = {} } = options;
  // Below the platform, so that packages resolve to its own.
  const folder = join(platform, "evaluated");
  await mkdir(folder, { recursive: true });
  const work = await mkdtemp(join(tmpdir(), "visii-infra-"));
  const build = await mkdtemp(join(folder, `${stage}-`));
  try {
    const bundle = join(build, "program.mjs");
    let mutated = 0;
    await (createRequire(join(platform, "package.json"))("esbuild") as Esbuild).build({
      stdin: { contents: entry, resolveDir: root, loader: "ts" },
      ...{ outfile: bundle, bundle: true, platform: "node", format: "esm", logLevel: "error" },
      ...{ packages: "external", inject: [join(platform, "src", "shim", "run.js")] },
      ...{ target: "node20", keepNames: true, absWorkingDir: root },
      // Components look at these while they load; the host fills them.
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
                      `${mutation.file} has "${mutation.from}" ${parts.length - 1} times, not once`,
                    );
                  mutated++;
                  return { contents: parts.join(mutation.to), loader: "ts" };
                }),
            },
          ]
        : [],
    });
    if (mutation && mutated !== 1) throw new Error(`${mutation.file} is no part of the program`);
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

/** SST's own entry, with our host around it; the program finds SST and its providers without importing them. */
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
