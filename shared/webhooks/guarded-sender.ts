import { lookup as resolve } from "node:dns";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { LookupFunction } from "node:net";
import type { WebhookAnswer, WebhookSender } from "../ports/webhook-sender.ts";
import { refuseAddress, refuseIp } from "./public-address.ts";

export interface SenderPolicy {
  /** Why a URL may not be called, before its name is resolved. */
  readonly refuseAddress: (url: string) => string | undefined;
  /** Why an address that a name resolved to may not be called. */
  readonly refuseIp: (address: string) => string | undefined;
  /** Milliseconds for the whole call. */
  readonly timeout: number;
  /** How names become addresses. */
  readonly lookup: LookupFunction;
}

export const publicOnly: SenderPolicy = {
  refuseAddress,
  refuseIp,
  timeout: 10_000,
  lookup: resolve as LookupFunction,
};

/** Bytes of an answer that are read before the connection is cut; its body is of no interest. */
const longestAnswer = 64 * 1024;

/**
 * Calls strangers' addresses: what a name resolves to is checked and then connected to, in one look-up, so that DNS cannot
 * change its mind in between; redirects are not followed; time and bytes are bounded.
 */
export function createGuardedSender(policy: SenderPolicy): WebhookSender {
  return {
    send(url, headers, body) {
      const refusal = policy.refuseAddress(url);
      return refusal ? Promise.resolve({ refused: refusal }) : post(policy, new URL(url), headers, body);
    },
  };
}

function post(
  policy: SenderPolicy,
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<WebhookAnswer> {
  const request = url.protocol === "https:" ? requestHttps : requestHttp;
  return new Promise((answer) => {
    const outgoing = request(
      url,
      {
        method: "POST",
        headers: {
          ...headers,
          "content-type": "application/json",
          "content-length": Buffer.byteLength(body),
          "user-agent": "visii-webhooks/1",
        },
        lookup: guardedLookup(policy),
        signal: AbortSignal.timeout(policy.timeout),
        agent: false,
      },
      (response) => {
        let bytes = 0;
        answer({ status: response.statusCode ?? 0 });
        response.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > longestAnswer) response.destroy();
        });
        response.on("error", () => undefined);
      },
    );
    outgoing.on("error", (error) => answer({ refused: error.message }));
    outgoing.end(body);
  });
}

function guardedLookup({ lookup, refuseIp }: SenderPolicy): LookupFunction {
  return (hostname, options, callback) =>
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, "", 0);
      const addresses = Array.isArray(found) ? found : [{ address: found, family: 4 }];
      // One bad address among good ones is reason enough: a name that mixes them is up to something.
      const refusal = addresses
        .map(({ address }) => refuseIp(address))
        .find((reason) => reason !== undefined);
      const [first] = addresses;
      if (refusal !== undefined || !first)
        return callback(new Error(refusal ?? `${hostname} has no address`), "", 0);
      if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
}
