import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { closeServer, keepIdleConnections } from "./http-server.ts";
import { putObject } from "./large-put.ts";
import { refuseForm } from "./post-policy.ts";
import { type LinkSigner, refuseLink } from "./presigned-link.ts";

/**
 * Proxy for the S3 stand-in, which accepts no form uploads and validates nothing. It adds form uploads with
 * signed policies, verifies signed URLs, and splits large objects. Other requests are forwarded.
 */
export async function startStoreGate(
  store: string,
  signer: LinkSigner,
  host: string,
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    answer(store, signer, request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(503, corsHeaders);
      response.end(String(error));
    });
  });
  keepIdleConnections(server);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    stop: () => closeServer(server),
  };
}

/** The bucket's CORS rules: form uploads and reads by signed URL. */
const corsHeaders = {
  "access-control-allow-origin": "*",
  "access-control-allow-methods": "GET, POST",
  "access-control-allow-headers": "*",
} as const;

async function answer(
  store: string,
  signer: LinkSigner,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? "/", store);
  if (request.method === "OPTIONS") return void response.writeHead(204, corsHeaders).end();
  // Requests with AWS credentials have a signed header; others use a form or a signed URL.
  const byLink = request.method === "GET" && request.headers.authorization === undefined;
  const refusal = byLink && (await refuseLink(url, hostOf(request), signer, Date.now()));
  if (refusal) return void response.writeHead(403, corsHeaders).end(refusal);
  const body = await buffer(request);
  const type = request.headers["content-type"] ?? "";
  if (request.method === "POST" && type.startsWith("multipart/form-data"))
    return takeForm(url, signer.secretAccessKey, type, body, response);
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers))
    if (typeof value === "string" && !hopByHop.has(name)) headers.set(name, value);
  const { method = "GET" } = request;
  const hasBody = method !== "GET" && method !== "HEAD";
  const passed =
    method === "PUT" && !url.searchParams.has("uploadId")
      ? await putObject(url, new Uint8Array(body), headers)
      : await fetch(url, { method, headers, ...(hasBody ? { body } : {}) });
  const back = Object.fromEntries([...passed.headers].filter(([name]) => !hopByHop.has(name)));
  // fetch omits the length of a body that has not been read.
  const length = passed.headers.get("content-length");
  const bytes = Buffer.from(await passed.arrayBuffer());
  const sized = request.method === "HEAD" ? (length ?? "0") : String(bytes.length);
  const disposition = byLink && url.searchParams.get("response-content-disposition");
  response.writeHead(passed.status, {
    ...back,
    ...corsHeaders,
    "content-length": sized,
    ...(disposition ? { "content-disposition": disposition } : {}),
  });
  response.end(bytes);
}

const hopByHop = new Set([
  "host",
  "connection",
  "keep-alive",
  "transfer-encoding",
  "content-length",
  "expect",
]);

async function takeForm(
  url: URL,
  secretAccessKey: string,
  contentType: string,
  body: Buffer,
  response: ServerResponse,
): Promise<void> {
  const form = await new Response(body, { headers: { "content-type": contentType } }).formData();
  const fields = new Map<string, string>();
  let file: Blob | undefined;
  for (const [name, value] of form) {
    if (typeof value === "string") fields.set(name.toLowerCase(), value);
    else file = value;
  }
  const key = fields.get("key");
  const refusal =
    !file || key === undefined
      ? "InvalidArgument: a key and a file"
      : refuseForm(fields, file.size, secretAccessKey, Date.now());
  if (refusal) return void response.writeHead(403, corsHeaders).end(refusal);
  const target = new URL(`${url.pathname.replace(/\/$/, "")}/${encodeURI(key!)}`, url);
  const stored = await putObject(target, new Uint8Array(await file!.arrayBuffer()), {
    "content-type": fields.get("content-type") ?? "application/octet-stream",
  });
  response.writeHead(stored.ok ? 204 : 503, corsHeaders).end();
}

/** The host of the request, or the one that a proxy forwarded. */
function hostOf({ headers }: IncomingMessage): string {
  const forwarded = headers["x-forwarded-host"];
  return (typeof forwarded === "string" ? forwarded : headers.host) ?? "";
}
