import type { Server } from "node:http";

/**
 * Leaves closing idle connections to clients. A server that closes one while a client, delayed by a busy
 * machine, sends a request on it ends that request with ECONNRESET.
 */
export function keepIdleConnections(server: Pick<Server, "keepAliveTimeout">): void {
  server.keepAliveTimeout = 0;
}

export function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
