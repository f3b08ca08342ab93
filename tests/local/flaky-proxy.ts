import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import type { SeededRandom } from "../../engine/random/seeded-random.ts";

export interface FlakyProxy {
  readonly url: string;
  readonly faults: { refused: number; lost: number; slow: number };
  stop(): void;
}

/**
 * Proxy that throttles some calls, delays some, and drops the response of others after the service executed
 * them.
 */
export async function startFlakyProxy(
  target: string,
  draw: SeededRandom,
  chance: number,
): Promise<FlakyProxy> {
  const faults = { refused: 0, lost: 0, slow: 0 };
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    const luck = draw.uniform();
    if (luck < chance / 3) {
      faults.refused++;
      const type = { "content-type": request.headers["content-type"] ?? "application/xml" };
      return void response.writeHead(503, type).end('{"__type":"ServiceUnavailable"}');
    }
    if (luck < (2 * chance) / 3) {
      faults.slow++;
      await new Promise((resolve) => setTimeout(resolve, 400));
    }
    try {
      const headers = new Headers();
      for (const [name, value] of Object.entries(request.headers))
        if (typeof value === "string" && !["host", "connection", "content-length", "expect"].includes(name))
          headers.set(name, value);
      // Signatures cover the host name of the proxy.
      headers.set("x-forwarded-host", request.headers.host ?? "");
      const hasBody = request.method !== "GET" && request.method !== "HEAD";
      const answer = await fetch(new URL(request.url ?? "/", target), {
        method: request.method!,
        headers,
        ...(hasBody ? { body } : {}),
      });
      const bytes = Buffer.from(await answer.arrayBuffer());
      if (luck >= (2 * chance) / 3 && luck < chance) {
        faults.lost++;
        return void response.socket?.destroy();
      }
      const length =
        request.method === "HEAD" ? (answer.headers.get("content-length") ?? "0") : String(bytes.length);
      const kept = [...answer.headers].filter(
        ([name]) => !["connection", "keep-alive", "transfer-encoding", "content-length"].includes(name),
      );
      response.writeHead(answer.status, { ...Object.fromEntries(kept), "content-length": length }).end(bytes);
    } catch {
      response.socket?.destroy();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    faults,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
