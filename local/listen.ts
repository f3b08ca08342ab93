import { serve } from "@hono/node-server";
import type { createApp } from "../functions/app.ts";

/** Serves the API on this machine only. @param port 0 picks a free one */
export function listen(
  app: ReturnType<typeof createApp>,
  port: number,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, port, hostname: "127.0.0.1" }, (address) =>
      resolve({
        port: address.port,
        close: () => {
          if ("closeAllConnections" in server) server.closeAllConnections();
          return new Promise<void>((resolve) => server.close(() => resolve()));
        },
      }),
    );
    server.once("error", reject);
  });
}
