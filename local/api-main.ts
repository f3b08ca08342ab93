/**
 * Entry point of the API as a separate process. It uses the functions' environment variables and VISII_PORT.
 */
import { createApp } from "../functions/app.ts";
import { readEdgeConfig } from "../functions/config.ts";
import { openEdge } from "../functions/open-edge.ts";
import { listen } from "./listen.ts";

let clients: ReturnType<typeof openEdge>["adapters"]["clients"];
const { port, close } = await listen(
  (url) => {
    const { adapters, edge } = openEdge(readEdgeConfig({ ...process.env, VISII_PUBLIC_URL: url }));
    clients = adapters.clients;
    return createApp(edge);
  },
  Number(process.env.VISII_PORT ?? 0),
);
process.send?.({ port });

async function stop(): Promise<void> {
  await close();
  clients.destroy();
  process.exit();
}
for (const name of ["SIGTERM", "SIGINT", "disconnect"] as const) process.once(name, () => void stop());
