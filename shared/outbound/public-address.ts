import ipaddr from "ipaddr.js";

/**
 * Why an IP address must not be called; undefined when it is a public unicast address. Mapped, translated and
 * tunneled addresses are rejected.
 */
export function refuseIp(address: string): string | undefined {
  if (!ipaddr.isValid(address)) return `${address} is not an IP address`;
  const parsed = ipaddr.process(address);
  const range = parsed.range();
  return range === "unicast" ? undefined : `${address} is ${range}, not a public address`;
}

/** Why a URL must not be called, checked before its host name is resolved; undefined when it may be. */
export function refuseAddress(text: string): string | undefined {
  if (!URL.canParse(text)) return "Not a valid URL.";
  const url = new URL(text);
  if (url.protocol !== "https:") return "The URL must use https.";
  if (url.username || url.password) return "The URL must not contain a user name or password.";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  // The URL parser has normalized 0x7f.1, 2130706433 and the like to dotted form.
  if (ipaddr.isValid(host)) return refuseIp(host);
  if (!host.includes(".") || /(^|\.)(localhost|local|internal|home\.arpa)\.?$/i.test(host))
    return `${host} is not a public host name.`;
  return undefined;
}
