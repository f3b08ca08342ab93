import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { VisibleError } from "../errors.ts";
import { guardedLookup, type OutboundPolicy } from "./outbound-policy.ts";

const maxRedirects = 3;

/** Downloads the file at a caller's URL. */
export type Download = (url: string, maxBytes: number) => Promise<Uint8Array>;

/**
 * Downloads with GET under the policy. Each address, including those of redirects, is resolved, checked and
 * connected to in one step. Time, bytes and redirects are limited.
 *
 * @throws VisibleError `forbidden_url`, `download_failed` or `too_large`
 */
export function createDownload(policy: OutboundPolicy): Download {
  return async (start, maxBytes) => {
    const signal = AbortSignal.timeout(policy.timeout);
    let url = start;
    for (let redirects = 0; redirects <= maxRedirects; redirects++) {
      const refusal = policy.refuseUrl(url);
      if (refusal !== undefined) throw new VisibleError("forbidden_url", refusal);
      const answer = await get(policy, new URL(url), maxBytes, signal);
      if (!("location" in answer)) return answer.bytes;
      if (!URL.canParse(answer.location, url)) throw failed(start, "it redirects to an invalid URL");
      url = new URL(answer.location, url).href;
    }
    throw failed(start, `it redirects more than ${maxRedirects} times`);
  };
}

type Answer = { readonly bytes: Uint8Array } | { readonly location: string };

const failed = (url: string, why: string) =>
  new VisibleError("download_failed", `${url} cannot be downloaded: ${why}. Check that the URL is public.`);

function get(policy: OutboundPolicy, url: URL, maxBytes: number, signal: AbortSignal): Promise<Answer> {
  const request = url.protocol === "https:" ? requestHttps : requestHttp;
  const tooLarge = () =>
    new VisibleError("too_large", `${url.href} has more than ${maxBytes} bytes, the limit.`);
  return new Promise((resolve, reject) => {
    const headers = { accept: "image/*", "user-agent": "visii/1" };
    const outgoing = request(
      url,
      { headers, lookup: guardedLookup(policy), signal, agent: false },
      (response) => {
        const { statusCode = 0, headers } = response;
        const end = (settle: () => void) => {
          settle();
          response.destroy();
        };
        const { location } = headers;
        if (statusCode >= 300 && statusCode < 400 && location !== undefined)
          return end(() => resolve({ location }));
        if (statusCode !== 200)
          return end(() => reject(failed(url.href, `the server returned status ${statusCode}`)));
        if (Number(headers["content-length"] ?? 0) > maxBytes) return end(() => reject(tooLarge()));
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          chunks.push(chunk);
          if (bytes > maxBytes) end(() => reject(tooLarge()));
        });
        response.on("end", () => resolve({ bytes: new Uint8Array(Buffer.concat(chunks)) }));
        response.on("error", (error) => reject(failed(url.href, error.message)));
      },
    );
    outgoing.on("error", (error) =>
      reject(
        failed(
          url.href,
          signal.aborted ? `it took longer than ${policy.timeout / 1000} seconds` : error.message,
        ),
      ),
    );
    outgoing.end();
  });
}
