import ipaddr from "ipaddr.js";

/**
 * Why an IP address may not be called: everything but plain unicast of the public internet, in every dress (mapped,
 * translated, tunnelled). Undefined when it may.
 */
export function refuseIp(address: string): string | undefined {
  if (!ipaddr.isValid(address)) return `${address} is no IP address`;
  const parsed = ipaddr.process(address);
  const range = parsed.range();
  return range === "unicast" ? undefined : `${address} is ${range}, not a public address`;
}

/** Why a URL may not be called, as far as that can be told before its name is resolved. */
export function refuseAddress(text: string): string | undefined {
  if (!URL.canParse(text)) return "That is no URL.";
  const url = new URL(text);
  if (url.protocol !== "https:") return "Only https addresses are called.";
  if (url.username || url.password) return "An address with a user name or password is not called.";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  // The URL parser has brought 0x7f.1, 2130706433 and the like to dotted form.
  if (ipaddr.isValid(host)) return refuseIp(host);
  if (!host.includes(".") || /(^|\.)(localhost|local|internal|home\.arpa)\.?$/i.test(host))
    return `${host} is not a public name.`;
  return undefined;
}
