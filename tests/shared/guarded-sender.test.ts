import { createServer, type Server } from "node:http";
import type { AddressInfo, LookupFunction } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type OutboundPolicy, publicOnly } from "../../shared/outbound/outbound-policy.ts";
import { refuseIp, refuseUrl } from "../../shared/outbound/public-address.ts";
import { createGuardedSender } from "../../shared/webhooks/guarded-sender.ts";

describe("a URL from a user", () => {
  it.each([
    "https://127.0.0.1/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://10.1.2.3/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/",
    "https://0.0.0.0/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[fe80::1]/",
    "https://[fd00:ec2::254]/",
    "https://localhost/",
    "https://metadata.google.internal/",
    "https://printer.local/",
    "https://intranet/",
    "https://user:password@example.com/",
    "http://example.com/",
    "file:///etc/passwd",
    "not a url",
  ])("is rejected if it is %s", (url) => {
    expect(refuseUrl(url)).toEqual(expect.any(String));
  });

  it.each(["https://example.com/hook", "https://93.184.216.34/", "https://[2606:2800:220:1::1]/"])(
    "is accepted if it is %s",
    (url) => {
      expect(refuseUrl(url)).toBeUndefined();
    },
  );
});

describe("the sender", () => {
  let server: Server;
  let port: number;
  const heard: string[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      heard.push(request.url ?? "");
      if (request.url === "/moved") response.writeHead(302, { location: "/target" }).end();
      else if (request.url === "/slow") setTimeout(() => response.end(), 3000);
      else if (request.url === "/endless") response.writeHead(200).write("x".repeat(10_000_000));
      else response.end("ok");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  /** Host names that resolve to the given addresses in turn, all on loopback, where the server is. */
  const resolving = (...answers: readonly (readonly string[])[]): LookupFunction => {
    let asked = 0;
    return (_, __, callback) => {
      const answer = answers[Math.min(asked++, answers.length - 1)]!;
      callback(
        null,
        answer.map((address) => ({ address, family: 4 })),
      );
    };
  };
  const policy = (lookup: LookupFunction, change: Partial<OutboundPolicy> = {}): OutboundPolicy => ({
    refuseUrl: () => undefined,
    refuseIp,
    timeout: 500,
    lookup,
    ...change,
  });
  const send = (rules: OutboundPolicy, path = "/") =>
    createGuardedSender(rules).send(`http://hooks.example.com:${port}${path}`, {}, "{}");

  it("refuses a public name that resolves to a private address, also beside a public one", async () => {
    heard.length = 0;
    for (const addresses of [["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["169.254.169.254"]])
      expect(await send(policy(resolving(addresses)))).toEqual({
        refused: expect.stringContaining("not a public address"),
      });
    expect(heard).toEqual([]);
  });

  it("connects to the address that it checked, because each name is resolved once", async () => {
    const lookup = resolving(["127.0.0.1"], ["10.0.0.1"]);
    const allowed = policy(lookup, {
      refuseIp: (ip) => (ip === "127.0.0.1" ? undefined : "changed its mind"),
    });
    expect(await send(allowed)).toEqual({ status: 200 });
    expect(await send(allowed)).toEqual({ refused: "changed its mind" });
  });

  it("treats a redirect as the response and does not follow it", async () => {
    heard.length = 0;
    const allowed = policy(resolving(["127.0.0.1"]), { refuseIp: () => undefined });
    expect(await send(allowed, "/moved")).toEqual({ status: 302 });
    expect(heard).toEqual(["/moved"]);
  });

  it("times out on a slow response, and closes an endless one", async () => {
    const allowed = policy(resolving(["127.0.0.1"]), { refuseIp: () => undefined });
    expect(await send(allowed, "/slow")).toEqual({ refused: expect.stringContaining("aborted") });
    expect(await send(allowed, "/endless")).toEqual({ status: 200 });
    await expect.poll(() => connections(server)).toBe(0);
  });

  it("refuses a URL that is not public https before it connects", async () => {
    const sender = createGuardedSender(publicOnly);
    expect(await sender.send(`http://127.0.0.1:${port}/`, {}, "{}")).toEqual({
      refused: "The URL does not use https; use an https URL.",
    });
  });
});

const connections = (server: Server) =>
  new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));
