import type { Server } from "node:http";

/**
 * Lets only clients close idle connections. If the server closed one while a client sends a request on it,
 * that request would fail with ECONNRESET.
 */
export function keepIdleConnections(server: Pick<Server, "keepAliveTimeout">): void {
  server.keepAliveTimeout = 0;
}

export function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
