import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

/** Folder in which `.ci/servers` installs them. */
const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
export const toolFolder = process.env.VISII_SERVERS ?? join(cache, "visii", "servers");

export interface StrictServer {
  readonly endpoint: string;
  stop(): Promise<void>;
}

export interface StrictServerKind {
  readonly name: string;
  readonly isHere: boolean;
  start(): Promise<StrictServer>;
}

/** How to run a server: its command line for a free port and a data folder. */
type Launch = (home: string, port: number, work: string) => Promise<readonly [string, ...string[]]>;

export const strictCredentials = { accessKeyId: "contract", secretAccessKey: "contract-secret" } as const;

export const strictServers = {
  dynamo: describeServer("DynamoDB Local", "dynamodb-local", "DynamoDBLocal.jar", async (home, port) => [
    "java",
    ...["-Xmx256m", `-Djava.library.path=${join(home, "DynamoDBLocal_lib")}`],
    ...["-jar", join(home, "DynamoDBLocal.jar"), "-inMemory", "-disableTelemetry", "-port", String(port)],
  ]),
  elasticmq: describeServer("ElasticMQ", "elasticmq", "lib", async (home, port, work) => {
    const settings = join(work, "elasticmq.conf");
    await writeFile(
      settings,
      [
        `node-address { host = "127.0.0.1", port = ${port} }`,
        `rest-sqs { bind-hostname = "127.0.0.1", bind-port = ${port}, sqs-limits = strict }`,
        "rest-stats { enabled = false }",
      ].join("\n"),
    );
    const classes = join(home, "lib", "*");
    return ["java", "-Xmx256m", `-Dconfig.file=${settings}`, "-cp", classes, "org.elasticmq.server.Main"];
  }),
  versitygw: describeServer("the Versity S3 Gateway", "versitygw", "versitygw", async (home, port, work) => [
    join(home, "versitygw"),
    ...["--port", `127.0.0.1:${port}`, "--region", "us-east-1", "--quiet"],
    ...["--access", strictCredentials.accessKeyId, "--secret", strictCredentials.secretAccessKey],
    ...["posix", work],
  ]),
} satisfies Readonly<Record<string, StrictServerKind>>;

function describeServer(name: string, home: string, proof: string, launch: Launch): StrictServerKind {
  const at = join(toolFolder, home);
  return {
    name,
    isHere: existsSync(join(at, proof)),
    async start() {
      const port = await freePort();
      const work = await mkdtemp(join(tmpdir(), "visii-server-"));
      const [command, ...words] = await launch(at, port, work);
      const child = spawn(command, words, { cwd: work, stdio: ["ignore", "ignore", "pipe"] });
      const stop = async () => {
        await ended(child);
        await rm(work, { recursive: true, force: true });
      };
      const endpoint = `http://127.0.0.1:${port}`;
      try {
        await answering(endpoint, child);
        return { endpoint, stop };
      } catch (error) {
        await stop();
        throw error;
      }
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

/** Any response counts, even an error. */
async function answering(endpoint: string, child: ChildProcess): Promise<void> {
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2000);
  });
  for (let attempt = 0; attempt < 300; attempt++) {
    if (child.exitCode !== null) break;
    if (await fetch(endpoint).catch(() => undefined)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${child.spawnfile} does not answer: ${said}`);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGKILL");
  await gone;
}
