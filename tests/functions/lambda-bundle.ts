import { type ChildProcess, fork } from "node:child_process";
import { copyFile, cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { buildStudio } from "../../studio/build.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

interface HostMessage {
  readonly id?: number;
  readonly type: "ready" | "head" | "chunk" | "end" | "failed";
  readonly metadata?: { readonly statusCode: number; readonly headers: Readonly<Record<string, string>> };
  readonly text?: string;
  readonly message?: string;
  readonly result?: unknown;
}

/** An entry point as deployed: bundled for Node 22 into one file, and run alone in a separate process. */
export class LambdaBundle {
  readonly #folder: string;
  readonly #child: ChildProcess;
  /** Its log. */
  log = "";
  #next = 0;

  private constructor(folder: string, child: ChildProcess) {
    this.#folder = folder;
    this.#child = child;
    child.stdout?.on("data", (chunk) => {
      this.log += chunk;
    });
  }

  /** @param name of a file in functions/, without extension */
  static async open(name: string, environment: Readonly<Record<string, string>>): Promise<LambdaBundle> {
    const folder = await mkdtemp(join(tmpdir(), "visii-lambda-"));
    const outfile = join(folder, "functions", `${name}.mjs`);
    await build({
      entryPoints: [join(root, "functions", `${name}.ts`)],
      outfile,
      absWorkingDir: root,
      bundle: true,
      platform: "node",
      target: "node22",
      format: "esm",
      logLevel: "error",
      minify: true,
      mainFields: ["module", "main"],
      banner: {
        js: 'import { createRequire as __require } from "node:module"; const require = __require(import.meta.url);',
      },
    });
    await buildStudio();
    await cp(join(root, "functions", "studio"), join(folder, "functions", "studio"), { recursive: true });
    const host = join(folder, "host.mjs");
    await copyFile(join(root, "tests", "functions", "lambda-host.mjs"), host);
    const child = fork(host, [outfile], {
      env: { PATH: process.env.PATH, ...environment },
      cwd: folder,
      execArgv: [],
      stdio: ["ignore", "pipe", "inherit", "ipc"],
    });
    await new Promise<void>((resolve, reject) => {
      child.once("message", () => resolve());
      child.once("exit", (code) => reject(new Error(`the bundle ${name} ended with code ${code}`)));
    });
    return new LambdaBundle(folder, child);
  }

  /** Invokes it once. `onMessage` is called with the head and each chunk of a streamed response. */
  invoke(event: unknown, onMessage: (message: HostMessage) => void = () => undefined): Promise<unknown> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const hear = (message: HostMessage) => {
        if (message.id !== id) return;
        onMessage(message);
        if (message.type === "end") resolve(message.result);
        if (message.type === "failed") reject(new Error(message.message));
        if (message.type === "end" || message.type === "failed") this.#child.off("message", hear);
      };
      this.#child.on("message", hear);
      this.#child.send({ id, event });
    });
  }

  /** Sends an HTTP request as a Function URL does. */
  async request(
    method: string,
    path: string,
    options: {
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: unknown;
      onChunk?(text: string): void;
    } = {},
  ) {
    let head: HostMessage["metadata"];
    let text = "";
    await this.invoke(functionUrlEvent(method, path, options), (message) => {
      head ??= message.metadata;
      if (message.text === undefined) return;
      text += message.text;
      options.onChunk?.(message.text);
    });
    const { statusCode = 0, headers = {} } = head ?? {};
    const isJson = (headers["content-type"] ?? "").includes("json");
    const body: ReturnType<typeof JSON.parse> = isJson ? JSON.parse(text) : text;
    return { status: statusCode, headers, body };
  }

  async stop(): Promise<void> {
    const gone = new Promise<void>((resolve) => this.#child.once("exit", () => resolve()));
    this.#child.disconnect();
    await gone;
    await rm(this.#folder, { recursive: true });
  }
}

/** Payload format 2.0 of a Lambda Function URL; a body is in base64, as CloudFront forwards it. */
function functionUrlEvent(
  method: string,
  path: string,
  { headers = {}, body }: { readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown },
) {
  const domainName = "abcdefghijklmnopqrstuvwxyz012345.lambda-url.us-east-1.on.aws";
  const { pathname, search } = new URL(path, `https://${domainName}`);
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: pathname,
    rawQueryString: search.slice(1),
    headers: {
      host: domainName,
      "x-forwarded-proto": "https",
      "x-forwarded-port": "443",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...Object.fromEntries(lower),
    },
    requestContext: {
      accountId: "anonymous",
      apiId: "abcdefghijklmnopqrstuvwxyz012345",
      domainName,
      domainPrefix: "abcdefghijklmnopqrstuvwxyz012345",
      routeKey: "$default",
      stage: "$default",
      http: { method, path: pathname, protocol: "HTTP/1.1", sourceIp: "203.0.113.7", userAgent: "tests" },
      requestId: "00000000-0000-4000-8000-000000000000",
      time: "23/Nov/2026:00:00:00 +0000",
      timeEpoch: 1_795_392_000_000,
    },
    ...(body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)).toString("base64") }),
    isBase64Encoded: body !== undefined,
  };
}
