import { createServer } from "node:http";

export type WorkerState = "STARTING" | "READY" | "BUSY" | "SETUP_FAILED";

/**
 * Health check; 503 while the worker cannot take jobs. It runs in the parent, so inference does not block it.
 */
export function startHealthServer(port: number, state: () => WorkerState): () => void {
  const server = createServer((_, response) => {
    const now = state();
    const up = now === "READY" || now === "BUSY";
    response.writeHead(up ? 200 : 503, { "content-type": "application/json" });
    response.end(JSON.stringify({ status: now }));
  });
  server.listen(port);
  return () => server.close();
}
