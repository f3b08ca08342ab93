import type { Context } from "hono";

/** What the Lambda adapter and the Node server each leave in `context.env`, as far as it is read. */
interface Connection {
  readonly requestContext?: { readonly http?: { readonly sourceIp?: string } };
  readonly incoming?: { readonly socket?: { readonly remoteAddress?: string } };
}

/**
 * The address at the other end of the connection and, when that is a proxy, the caller's as the proxy appended it to
 * `X-Forwarded-For`. A caller that connects directly can forge the second one, never the first.
 */
export function callerAddresses(context: Context): {
  readonly peer: string;
  readonly forwarded: string | undefined;
} {
  const { requestContext, incoming } = (context.env ?? {}) as Connection;
  const peer = requestContext?.http?.sourceIp ?? incoming?.socket?.remoteAddress ?? "unknown";
  const forwarded = (context.req.header("X-Forwarded-For") ?? "")
    .split(",")
    .map((address) => address.trim())
    .filter((address) => address !== "" && address !== peer)
    .at(-1);
  return { peer, forwarded };
}
