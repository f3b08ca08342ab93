import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { z } from "zod";
import { parseJson } from "../shared/json.ts";
import type { RowAccess } from "../shared/worker-access.ts";

const keySchema = z.object({ pk: z.object({ S: z.string() }) });
/** Requests that write or read one item. */
const requestSchema = z.union([
  z.object({ Item: keySchema }).transform(({ Item }) => Item.pk.S),
  z.object({ Key: keySchema }).transform(({ Key }) => Key.pk.S),
]);

/**
 * Refuses requests to dynalite that a user's policy does not allow, as IAM does. Users are access keys. Other
 * callers are not restricted. An operation with several items is always refused, because no policy allows
 * one.
 */
export function restrictTable(
  database: Server,
  accessOf: Readonly<Record<string, readonly RowAccess[]>>,
): void {
  const [handle] = database.listeners("request") as RequestListener[];
  if (!handle) throw new Error("the database has no request listener");
  const check = async (request: IncomingMessage, response: ServerResponse) => {
    const [, user = ""] = /Credential=([^/]+)\//.exec(request.headers.authorization ?? "") ?? [];
    const access = accessOf[user];
    if (!access) return handle(request, response);
    const body = await buffer(request);
    const operation = String(request.headers["x-amz-target"]).split(".")[1] ?? "";
    const partition = requestSchema.safeParse(parseJson(body.toString("utf8"))).data;
    const isAllowed = access.some(
      ({ operations, partitions }) =>
        operations.includes(operation) &&
        partition !== undefined &&
        partitions.some((pattern) => matches(pattern, partition)),
    );
    if (isAllowed) return handle(replay(request, body), response);
    const message = `User: ${user} is not authorized to perform: dynamodb:${operation} on ${partition}`;
    response.writeHead(400, { "Content-Type": "application/x-amz-json-1.0" });
    response.end(JSON.stringify({ __type: "com.amazon.coral.service#AccessDeniedException", message }));
  };
  database.removeAllListeners("request");
  database.on("request", (request: IncomingMessage, response: ServerResponse) => {
    check(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
}

/** The request with a body that can be read again. */
function replay(request: IncomingMessage, body: Buffer): IncomingMessage {
  const { headers, method, url, rawHeaders, httpVersion, socket } = request;
  const again = Object.assign(Readable.from([body], { objectMode: false }), {
    headers,
    method,
    url,
    rawHeaders,
    httpVersion,
    socket,
  });
  return again as unknown as IncomingMessage;
}

/** IAM's wildcard at the end of a pattern. */
const matches = (pattern: string, text: string): boolean =>
  pattern.endsWith("*") ? text.startsWith(pattern.slice(0, -1)) : text === pattern;
