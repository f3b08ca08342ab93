import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { guardedLookup, type OutboundPolicy } from "../outbound/outbound-policy.ts";
import type { WebhookAnswer, WebhookSender } from "../ports/webhook-sender.ts";

/** Bytes of an answer that are read before the connection is cut; its body is of no interest. */
const longestAnswer = 64 * 1024;

/**
 * Calls strangers' addresses: what a name resolves to is checked and then connected to, in one look-up, so
 * that DNS cannot change its mind in between; redirects are not followed; time and bytes are bounded.
 */
export function createGuardedSender(policy: OutboundPolicy): WebhookSender {
  return {
    send(url, headers, body) {
      const refusal = policy.refuseAddress(url);
      return refusal ? Promise.resolve({ refused: refusal }) : post(policy, new URL(url), headers, body);
    },
  };
}

function post(
  policy: OutboundPolicy,
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
