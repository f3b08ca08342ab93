import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join, relative } from "node:path";

/** Faults of the next responses for a path, in order. Later responses are correct. */
type Fault =
  | { readonly kind: "cut"; readonly after: number }
  | { readonly kind: "flip" }
  | { readonly kind: "extra" }
  | { readonly kind: "ignore range" }
  | { readonly kind: "silent" }
  | { readonly kind: "status"; readonly status: number; readonly headers?: Record<string, string> };

interface Repository {
  readonly files: ReadonlyMap<string, Buffer>;
  /** Access: everyone, the owners of these tokens, or those who accepted the terms. */
  readonly access?: "private" | "gated";
  /** Wrong sizes in the listing. */
  readonly announced?: ReadonlyMap<string, number>;
}

interface Request {
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

/** Files above this many bytes are LFS: a redirect to another host, and SHA-256 in the listing. */
const lfsFrom = 10_000;
const goodToken = "hf_good";
const commit = "c0ffee".padEnd(40, "0");

/**
 * The Hub's endpoints that a pull uses, on this machine: model info, tree (in pages), resolve, and the
 * storage that resolve sends large files to, on a port of its own.
 */
export class LocalHub {
  readonly requests: Request[] = [];
  readonly storageRequests: Request[] = [];
  readonly #repositories = new Map<string, Repository>();
  readonly #faults = new Map<string, Fault[]>();
  readonly #hub: Server;
  readonly #storage: Server;

  #endpoint = "";

  private constructor() {
    this.#hub = createServer((request, response) => this.#answer(request, response));
    this.#storage = createServer((request, response) => this.#answerFromStorage(request, response));
  }

  static async start(): Promise<LocalHub> {
    const hub = new LocalHub();
    await Promise.all(
      [hub.#hub, hub.#storage].map(
        (server) => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)),
      ),
    );
    hub.#endpoint = addressOf(hub.#hub);
    return hub;
  }

  get endpoint(): string {
    return this.#endpoint;
  }

  get commit(): string {
    return commit;
  }

  add(name: string, repository: Repository): void {
    this.#repositories.set(name, repository);
  }

  /** `path` is `owner/name/file`. */
  fail(path: string, ...faults: Fault[]): void {
    this.#faults.set(path, faults);
  }

  async stop(): Promise<void> {
    for (const server of [this.#hub, this.#storage]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url!, this.endpoint);
    this.requests.push(seen(request, url));
    const api = /^\/api\/models\/([^/]+\/[^/]+)\/(revision|tree)\/(.+)$/.exec(url.pathname);
    const file = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname);
    const name = (api ?? file)?.[1];
    const repository = name === undefined ? undefined : this.#repositories.get(name);
    const refused = this.#refusal(name, repository, request.headers.authorization);
    const revision = decodeURIComponent(api?.[3] ?? file?.[2] ?? "");
    if (refused) refuse(response, ...refused);
    else if (revision !== "main" && revision !== "refs/pr/1" && revision !== commit)
      refuse(response, 404, "RevisionNotFound", `Invalid rev id: ${revision}`);
    else if (api?.[2] === "revision") sendJson(response, modelInfoOf(name!, repository!));
    else if (api) this.#sendTree(response, url, repository!);
    else this.#sendFile(request, response, name!, decodeURIComponent(file![3]!), repository!);
  }

  /** Like the Hub, it does not reveal without a token whether a private repository exists. */
  #refusal(
    name: string | undefined,
    repository: Repository | undefined,
    authorization: string | undefined,
  ): [number, string, string] | undefined {
    const known = authorization === `Bearer ${goodToken}`;
    if (authorization !== undefined && !known && authorization !== "Bearer hf_without_terms")
      return [401, "", "Invalid credentials in Authorization header"];
    if (!repository)
      return known
        ? [404, "RepoNotFound", "Repository not found"]
        : [401, "RepoNotFound", "Invalid username or password."];
    if (repository.access === "private" && !known)
      return [401, "RepoNotFound", "Invalid username or password."];
    if (repository.access === "gated" && !known)
      return [authorization ? 403 : 401, "GatedRepo", `Access to model ${name} is restricted.`];
    return undefined;
  }

  /** Two entries per page, so that following pages is tested even with a small listing. */
  #sendTree(response: ServerResponse, url: URL, { files, announced }: Repository): void {
    const entries = [...files].map(([path, content]) => ({
      type: "file",
      path,
      size: announced?.get(path) ?? content.length,
      oid: sha1(content),
      ...(content.length > lfsFrom
        ? { lfs: { oid: sha256(content), size: announced?.get(path) ?? content.length, pointerSize: 134 } }
        : {}),
    }));
    const folders = new Set(entries.flatMap(({ path }) => (path.includes("/") ? [path.split("/")[0]!] : [])));
    const all = [
      ...[...folders].map((path) => ({ type: "directory", path, size: 0, oid: sha1(Buffer.from(path)) })),
      ...entries,
    ];
    const from = Number(url.searchParams.get("cursor") ?? 0);
    const pageSize = 2;
    if (from + pageSize < all.length) {
      url.searchParams.set("cursor", String(from + pageSize));
      response.setHeader("link", `<${url.href}>; rel="next"`);
    }
    sendJson(response, all.slice(from, from + pageSize));
  }

  #sendFile(
    request: IncomingMessage,
    response: ServerResponse,
    name: string,
    path: string,
    { files }: Repository,
  ): void {
    const content = files.get(path);
    if (!content) {
      refuse(response, 404, "EntryNotFound", "Entry not found");
      return;
    }
    if (content.length <= lfsFrom) {
      this.#send(request, response, `${name}/${path}`, content);
      return;
    }
    response.writeHead(302, {
      location: `${addressOf(this.#storage)}/${name}/${path}?signature=1`,
      "x-linked-size": String(content.length),
      "x-linked-etag": `"${sha256(content)}"`,
      "x-repo-commit": commit,
    });
    response.end();
  }

  #answerFromStorage(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url!, this.endpoint);
    this.storageRequests.push(seen(request, url));
    const [, owner, model, ...rest] = url.pathname.split("/");
    const name = `${owner}/${model}`;
    const path = rest.join("/");
    this.#send(request, response, `${name}/${path}`, this.#repositories.get(name)!.files.get(path)!);
  }

  #send(request: IncomingMessage, response: ServerResponse, path: string, content: Buffer): void {
    const fault = this.#faults.get(path)?.shift();
    if (fault?.kind === "silent") return;
    if (fault?.kind === "status") {
      response.writeHead(fault.status, fault.headers).end();
      return;
    }
    const range =
      fault?.kind === "ignore range" ? undefined : /^bytes=(\d+)-$/.exec(request.headers.range ?? "");
    const start = Number(range?.[1] ?? 0);
    if (start > 0 && start >= content.length) {
      response.writeHead(416).end();
      return;
    }
    let body = Buffer.from(content.subarray(start));
    if (fault?.kind === "flip") body[Math.floor(body.length / 2)]! ^= 1;
    if (fault?.kind === "extra") body = Buffer.concat([body, Buffer.from("one more thing")]);
    response.writeHead(range ? 206 : 200, {
      "content-length": String(body.length),
      etag: `"${sha1(content)}"`,
      ...(range ? { "content-range": `bytes ${start}-${content.length - 1}/${content.length}` } : {}),
    });
    if (fault?.kind !== "cut") {
      response.end(body);
      return;
    }
    response.write(body.subarray(0, fault.after), () => response.destroy());
  }
}

/** A folder as a repository's files. */
export async function filesOf(folder: string): Promise<Map<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = new Map<string, Buffer>();
  for (const entry of entries.filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name);
    files.set(relative(folder, path), await readFile(path));
  }
  return files;
}

function seen({ headers }: IncomingMessage, { pathname }: URL): Request {
  return { path: pathname, range: headers.range, authorization: headers.authorization };
}

function modelInfoOf(name: string, { files, access }: Repository) {
  return {
    _id: "6".repeat(24),
    id: name,
    sha: commit,
    private: access === "private",
    gated: access === "gated" ? "auto" : false,
    downloads: 1,
    likes: 0,
    lastModified: "2023-07-05T16:19:25.000Z",
    siblings: [...files.keys()].map((rfilename) => ({ rfilename })),
  };
}

function refuse(response: ServerResponse, status: number, code: string, error: string): void {
  response.writeHead(status, {
    "content-type": "application/json",
    ...(code ? { "x-error-code": code } : {}),
  });
  response.end(JSON.stringify({ error }));
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
}

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

function sha1(content: Buffer): string {
  return createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
}
