import { type ListFileEntry, listFiles, modelInfo } from "@huggingface/hub";
import { RetryableError, VisibleError } from "../errors.ts";
import type { Checksum } from "./checksum.ts";
import { explainRefusal, explainUnreachable } from "./hub-failure.ts";

export interface HubOptions {
  /** Where the Hub's API is, without a slash at the end. */
  readonly endpoint: string;
  /** An access token (`hf_…`), for gated and private models. It is sent to the endpoint's own host only. */
  readonly token?: string;
}

export interface HubFile {
  /** From the repository's root, with slashes. */
  readonly path: string;
  readonly size: number;
  readonly checksum: Checksum;
}

/** Part of a file's content, as it arrives. */
export interface Content {
  /** The byte it begins with: the one asked for, or 0 where the server does not do ranges. */
  readonly start: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/**
 * The Hugging Face Hub, as far as a pull needs it. Its answers come through its own client library; content is fetched here,
 * because that library neither resumes nor verifies.
 *
 * Every method throws VisibleError where asking again cannot help (`model_not_on_hub`, `access_denied`), and RetryableError
 * where it may (no connection, a busy server).
 */
export class Hub {
  readonly endpoint: string;
  readonly #token: string | undefined;

  /** @throws VisibleError `invalid_option`, `invalid_token` */
  constructor({ endpoint, token }: HubOptions) {
    if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol))
      throw new VisibleError(
        "invalid_option",
        `The endpoint "${endpoint}" is no address; it must read like https://huggingface.co.`,
      );
    if (token !== undefined && !token.startsWith("hf_"))
      throw new VisibleError(
        "invalid_token",
        "HF_TOKEN does not begin with hf_; copy the token whole from the Hub's settings, or unset it.",
      );
    this.endpoint = endpoint.replace(/\/+$/, "");
    this.#token = token;
  }

  /** The commit that a branch or tag stands at. */
  async commit(name: string, revision: string, signal: AbortSignal): Promise<string> {
    const { sha } = await modelInfo({ name, revision, additionalFields: ["sha"], ...this.#as(name, signal) });
    return sha;
  }

  async files(name: string, commit: string, signal: AbortSignal): Promise<HubFile[]> {
    const files: HubFile[] = [];
    const listing = listFiles({ repo: name, revision: commit, recursive: true, ...this.#as(name, signal) });
    for await (const entry of listing)
      if (entry.type === "file")
        files.push({ path: entry.path, size: entry.size, checksum: checksumOf(entry) });
    return files;
  }

  /** The file's content from byte `start` on. */
  async open(
    name: string,
    commit: string,
    path: string,
    start: number,
    signal: AbortSignal,
  ): Promise<Content> {
    const way = path.split("/").map(encodeURIComponent).join("/");
    const response = await this.#ask(name, signal)(`${this.endpoint}/${name}/resolve/${commit}/${way}`, {
      headers: {
        // Compressed on the way, bytes could not be counted.
        "accept-encoding": "identity",
        ...(start > 0 ? { range: `bytes=${start}-` } : {}),
        ...(this.#token ? { authorization: `Bearer ${this.#token}` } : {}),
      },
    });
    if (!response.body) throw new RetryableError(`${response.url} came without content.`);
    const honoured =
      response.status === 206 && response.headers.get("content-range")?.startsWith(`bytes ${start}-`);
    return { start: honoured ? start : 0, bytes: response.body };
  }

  #as(name: string, signal: AbortSignal) {
    return {
      hubUrl: this.endpoint,
      fetch: this.#ask(name, signal),
      ...(this.#token ? { accessToken: this.#token } : {}),
    };
  }

  /** fetch, with its failures told apart. A redirect to another host goes without the token: fetch's own rule. */
  #ask(name: string, signal: AbortSignal): typeof fetch {
    return async (input, init) => {
      let response: Response;
      try {
        response = await fetch(input, { ...init, signal });
      } catch (cause) {
        signal.throwIfAborted();
        throw explainUnreachable(this.endpoint, cause);
      }
      if (response.ok) return response;
      await response.body?.cancel();
      throw explainRefusal(response, {
        name,
        endpoint: this.endpoint,
        hasToken: this.#token !== undefined,
      });
    };
  }
}

function checksumOf({ path, oid, lfs }: ListFileEntry): Checksum {
  if (lfs) return { algorithm: "sha256", hex: lfs.oid };
  if (oid) return { algorithm: "git-sha1", hex: oid };
  throw new VisibleError("unsound_listing", `The Hub lists ${path} without a checksum; nothing was fetched.`);
}
