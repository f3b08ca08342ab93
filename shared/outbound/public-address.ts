import ipaddr from "ipaddr.js";

/**
 * Returns why an IP address is forbidden, or undefined if it is a public unicast address. Mapped, translated
 * and tunneled addresses are forbidden.
 */
export function refuseIp(address: string): string | undefined {
  if (!ipaddr.isValid(address)) return `${address} is not an IP address`;
  const parsed = ipaddr.process(address);
  const range = parsed.range();
  return range === "unicast" ? undefined : `${address} is ${range}, not a public address`;
}

/** Returns why a URL is forbidden, before its host name is resolved, or undefined if it is allowed. */
export function refuseUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return "The URL is not valid; use a full URL such as https://example.com/hook.";
  const url = new URL(text);
  if (url.protocol !== "https:") return "The URL does not use https; use an https URL.";
  if (url.username || url.password) return "The URL contains a user name or password; remove it.";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  // The URL parser has normalized 0x7f.1, 2130706433 and the like to dotted form.
  if (ipaddr.isValid(host)) return refuseIp(host);
  if (!host.includes(".") || /(^|\.)(localhost|local|internal|home\.arpa)\.?$/i.test(host))
    return `${host} is not a public host name; use a host on the internet.`;
  return undefined;
}
