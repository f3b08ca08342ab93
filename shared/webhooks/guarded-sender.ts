import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { guardedLookup, type OutboundPolicy } from "../outbound/outbound-policy.ts";
import type { WebhookOutcome, WebhookSender } from "../ports/webhook-sender.ts";

/** Bytes of a response that are read before the connection is closed. The body is ignored. */
const maxResponseBytes = 64 * 1024;

/**
 * Calls untrusted URLs. Each host name is resolved once: the resolved address is checked and then connected
 * to, so that DNS cannot return another one in between. Redirects are not followed. Time and bytes are
 * limited.
 */
export function createGuardedSender(policy: OutboundPolicy): WebhookSender {
  return {
    send(url, headers, body) {
      const refusal = policy.refuseUrl(url);
      return refusal ? Promise.resolve({ refused: refusal }) : post(policy, new URL(url), headers, body);
    },
  };
}

function post(
  policy: OutboundPolicy,
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<WebhookOutcome> {
  const request = url.protocol === "https:" ? requestHttps : requestHttp;
  return new Promise((resolve) => {
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
        resolve({ status: response.statusCode ?? 0 });
        response.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > maxResponseBytes) response.destroy();
        });
        response.on("error", () => undefined);
      },
    );
    outgoing.on("error", (error) => resolve({ refused: error.message }));
    outgoing.end(body);
  });
}
