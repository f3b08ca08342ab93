import { type ListFileEntry, listFiles, modelInfo } from "@huggingface/hub";
import { RetryableError, VisibleError } from "../errors.ts";
import type { Checksum } from "./checksum.ts";
import { explainRefusal, explainUnreachable } from "./hub-failure.ts";

export interface HubOptions {
  /** URL of the Hub's API, without a trailing slash. */
  readonly endpoint: string;
  /** An access token (`hf_…`) for gated and private models. Sent only to the endpoint's host. */
  readonly token?: string;
}

export interface HubFile {
  /** Relative to the repository's root, with slashes. */
  readonly path: string;
  readonly size: number;
  readonly checksum: Checksum;
}

/** Part of a file's content, streamed. */
interface Content {
  /** Index of the first byte: the requested one, or 0 if the server does not support ranges. */
  readonly start: number;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/**
 * Client of the Hugging Face Hub for pulls. Metadata comes through the Hub's client library. Content is
 * downloaded here, because that library neither resumes nor verifies.
 *
 * Methods throw VisibleError for permanent failures (`model_not_on_hub`, `access_denied`) and RetryableError
 * for temporary ones (no connection, a busy server).
 */
export class Hub {
  readonly endpoint: string;
  readonly #token: string | undefined;

  /** @throws VisibleError `invalid_option`, `invalid_token` */
  constructor({ endpoint, token }: HubOptions) {
    if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol))
      throw new VisibleError(
        "invalid_option",
        `The endpoint "${endpoint}" is not a valid URL; use one such as https://huggingface.co.`,
      );
    if (token !== undefined && !token.startsWith("hf_"))
      throw new VisibleError(
        "invalid_token",
        "HF_TOKEN does not begin with hf_; copy the whole token from the Hub's settings, or unset HF_TOKEN.",
      );
    this.endpoint = endpoint.replace(/\/+$/, "");
    this.#token = token;
  }

  /** The commit of a branch or tag. */
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

  /** Streams the file's content from byte `start`. */
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
        // Byte counts require uncompressed content.
        "accept-encoding": "identity",
        ...(start > 0 ? { range: `bytes=${start}-` } : {}),
        ...(this.#token ? { authorization: `Bearer ${this.#token}` } : {}),
      },
    });
    if (!response.body) throw new RetryableError(`${response.url} returned no content.`);
    const honored =
      response.status === 206 && response.headers.get("content-range")?.startsWith(`bytes ${start}-`);
    return { start: honored ? start : 0, bytes: response.body };
  }

  #as(name: string, signal: AbortSignal) {
    return {
      hubUrl: this.endpoint,
      fetch: this.#ask(name, signal),
      ...(this.#token ? { accessToken: this.#token } : {}),
    };
  }

  /** fetch with classified errors. A redirect to another host omits the token, by fetch's own rule. */
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
  throw new VisibleError(
    "unsound_listing",
    `The Hub lists ${path} without a checksum; nothing was downloaded.`,
  );
}
