import { lookup as resolve } from "node:dns";
import type { LookupFunction } from "node:net";
import { refuseIp, refuseUrl } from "./public-address.ts";

/** Addresses that the service may connect to for callers. */
export interface OutboundPolicy {
  /** Returns why a URL is forbidden, before its host name is resolved. */
  readonly refuseUrl: (url: string) => string | undefined;
  /** Returns why an IP address is forbidden, after a host name was resolved. */
  readonly refuseIp: (address: string) => string | undefined;
  /** Maximum milliseconds of a call. */
  readonly timeout: number;
  /** Resolves host names. */
  readonly lookup: LookupFunction;
}

export const publicOnly: OutboundPolicy = {
  refuseUrl,
  refuseIp,
  timeout: 10_000,
  lookup: resolve as LookupFunction,
};

/**
 * A `lookup` for `http.request` that refuses addresses by the policy. The connection uses the address that
 * was checked.
 */
export function guardedLookup({ lookup, refuseIp }: OutboundPolicy): LookupFunction {
  return (hostname, options, callback) =>
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, "", 0);
      const addresses = Array.isArray(found) ? found : [{ address: found, family: 4 }];
      // One forbidden address is enough: a name that resolves to both kinds is suspicious.
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
