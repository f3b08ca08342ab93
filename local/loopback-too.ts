import { publicOnly, type SenderPolicy } from "../shared/webhooks/guarded-sender.ts";

const isLoopback = (host: string): boolean => ["127.0.0.1", "::1", "[::1]", "localhost"].includes(host);

/** On one's own machine webhooks may go to it, too, over plain http if need be; all else stays guarded. */
export const loopbackToo: SenderPolicy = {
  ...publicOnly,
  refuseAddress: (url) =>
    URL.canParse(url) && isLoopback(new URL(url).hostname) ? undefined : publicOnly.refuseAddress(url),
  refuseIp: (address) => (isLoopback(address) ? undefined : publicOnly.refuseIp(address)),
};
