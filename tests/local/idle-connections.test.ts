import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { RunningService } from "./running-service.ts";

/** Longer than Node's own keep-alive timeout: five seconds, and one more since Node 24. */
const idle = 8000;

describe("the local service's servers", () => {
  it("leave closing idle connections to their clients", async () => {
    const service = await RunningService.start({ workers: 0 });
    try {
      const { url, standIns } = service.service;
      const servers = { api: url, store: standIns.aws.storeEndpoint!, table: standIns.aws.tableEndpoint! };
      const open = await Promise.all(
        Object.entries(servers).map(async ([name, address]) => ({ name, socket: await idleSocket(address) })),
      );
      await setTimeout(idle);
      expect(open.filter(({ socket }) => socket.readyState !== "open").map(({ name }) => name)).toEqual([]);
      for (const { socket } of open) socket.destroy();
    } finally {
      await service.stop();
    }
  });
});

/** A connection over which one request was answered. */
async function idleSocket(address: string) {
  const { hostname, port, host } = new URL(address);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  await once(socket, "data");
  return socket;
}
