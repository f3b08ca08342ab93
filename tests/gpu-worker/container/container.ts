import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import type { StandIns } from "../../../local/stand-ins.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Node program in place of the image's: this process's own, or one of the test. */
const node = process.execPath;

/**
 * A process in place of a container of the worker's task: it runs the container's command in the image's
 * folder, with the container's environment variables only.
 */
export class Container {
  readonly #child: ChildProcess;
  #log = "";
  /** Its exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;

  constructor(
    folder: string,
    [program = "", ...words]: readonly string[],
    environment: Environment,
    options: { readonly user?: number; readonly nodeFolder?: string } = {},
  ) {
    const { user, nodeFolder = dirname(node) } = options;
    this.#child = spawn(program, words, {
      cwd: folder,
      env: { ...environment, PATH: `${nodeFolder}:${process.env.PATH}` },
      stdio: ["ignore", "ignore", "pipe"],
      ...(user === undefined ? {} : { uid: user, gid: user }),
    });
    this.#child.stderr?.on("data", (chunk) => {
      this.#log += chunk;
    });
    this.ended = new Promise((resolve, reject) => {
      this.#child.once("error", reject);
      // When its log is complete, too.
      this.#child.once("close", (code) => resolve(code));
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }
  /** Its output so far. */
  get log(): string {
    return this.#log;
  }
  /** Its log entries: the lines that are JSON. */
  get lines(): readonly Readonly<Record<string, unknown>>[] {
    return this.#log
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line));
  }

  /** Stops it as ECS does. Resolves with the exit code and the seconds that it took. */
  async stop(): Promise<{ readonly code: number | null; readonly seconds: number }> {
    const begun = performance.now();
    this.#child.kill("SIGTERM");
    return { code: await this.ended, seconds: (performance.now() - begun) / 1000 };
  }
}

/** Environment of the task's containers, with the stand-ins in place of AWS. */
export function taskEnvironment(standIns: StandIns): Environment {
  const { aws, bucket, table, queueUrls, settlementQueueUrl } = standIns;
  return {
    AWS_REGION: aws.region,
    VISII_STAGE: "tests",
    VISII_BUCKET: bucket,
    VISII_TABLE: table,
    VISII_QUEUE_URLS: JSON.stringify(queueUrls),
    VISII_SETTLEMENT_QUEUE_URL: settlementQueueUrl,
    VISII_DEVICE: "cpu",
    ...standInAddresses(standIns),
  };
}

/** URLs of the stand-ins, and the credentials of a task's role. */
export const standInAddresses = ({ aws, workerCredentials }: StandIns): Environment => ({
  VISII_STORE_ENDPOINT: aws.storeEndpoint,
  VISII_QUEUE_ENDPOINT: aws.queueEndpoint,
  VISII_TABLE_ENDPOINT: aws.tableEndpoint,
  AWS_ACCESS_KEY_ID: workerCredentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: workerCredentials.secretAccessKey,
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
});

export async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A fake of ECS's agent that records requests for task protection. */
export async function startAgent() {
  const told: unknown[] = [];
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    told.push({ to: `${request.method} ${request.url}`, ...JSON.parse(text) });
    response.writeHead(200, { "content-type": "application/json" }).end('{"protection": {}}');
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return { told, uri: `http://127.0.0.1:${port}/api/0123`, stop: () => server.close() };
}

export const root = join(import.meta.dirname, "../../..");
