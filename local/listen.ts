import { serve } from "@hono/node-server";
import type { createApp } from "../functions/app.ts";
import { keepIdleConnections } from "./http-server.ts";

type App = ReturnType<typeof createApp>;

/**
 * Serves the API on this machine only.
 *
 * @param create receives the base URL of the API's links
 * @param port 0 picks a free one
 */
export function listen(
  create: (url: string) => App,
  port: number,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  return new Promise((resolve, reject) => {
    let app: App;
    const fetch: App["fetch"] = (...request) => app.fetch(...request);
    const server = serve({ fetch, port, hostname: "127.0.0.1" }, (address) => {
      app = create(`http://127.0.0.1:${address.port}`);
      resolve({
        port: address.port,
        close: () => {
          if ("closeAllConnections" in server) server.closeAllConnections();
          return new Promise<void>((resolve) => server.close(() => resolve()));
        },
      });
    });
    if ("keepAliveTimeout" in server) keepIdleConnections(server);
    server.once("error", reject);
  });
}
