import type { Context } from "hono";

/** The used fields of `context.env`, as set by the Lambda adapter and the Node server. */
interface Connection {
  readonly requestContext?: { readonly http?: { readonly sourceIp?: string } };
  readonly incoming?: { readonly socket?: { readonly remoteAddress?: string } };
}

/**
 * The address of the connection's peer and, if the peer is a proxy, the caller's address that it appended to
 * `X-Forwarded-For`. A caller that connects directly can forge the second, but not the first.
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
