import { type OutboundPolicy, publicOnly } from "../shared/outbound/outbound-policy.ts";

const isLoopback = (host: string): boolean => ["127.0.0.1", "::1", "[::1]", "localhost"].includes(host);

/** Also allows http URLs of this machine. Other URLs stay restricted. */
export const loopbackToo: OutboundPolicy = {
  ...publicOnly,
  refuseUrl: (url) =>
    URL.canParse(url) && isLoopback(new URL(url).hostname) ? undefined : publicOnly.refuseUrl(url),
  refuseIp: (address) => (isLoopback(address) ? undefined : publicOnly.refuseIp(address)),
};
