import { createServer } from "node:http";

export type WorkerState = "STARTING" | "READY" | "BUSY" | "SETUP_FAILED";

/** Tells whoever asks how the worker is; 503 while it can take no work. The parent answers, so it never waits for a model. */
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
