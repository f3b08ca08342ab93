import { lookup as resolve } from "node:dns";
import type { LookupFunction } from "node:net";
import { refuseAddress, refuseIp } from "./public-address.ts";

/** Which addresses given by callers the service may connect to. */
export interface OutboundPolicy {
  /** Why a URL may not be called, before its name is resolved. */
  readonly refuseAddress: (url: string) => string | undefined;
  /** Why an address that a name resolved to may not be called. */
  readonly refuseIp: (address: string) => string | undefined;
  /** Milliseconds for the whole call. */
  readonly timeout: number;
  /** How names become addresses. */
  readonly lookup: LookupFunction;
}

export const publicOnly: OutboundPolicy = {
  refuseAddress,
  refuseIp,
  timeout: 10_000,
  lookup: resolve as LookupFunction,
};

/**
 * A look-up for `http.request` that refuses addresses by the policy. The connection goes to the address that
 * was checked.
 */
export function guardedLookup({ lookup, refuseIp }: OutboundPolicy): LookupFunction {
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
