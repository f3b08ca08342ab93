import { randomUUID } from "node:crypto";
import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { z } from "zod";
import { SharedLock } from "./shared-lock.ts";

const keySchema = z.record(z.string(), z.unknown());
const actionSchema = z.object({ TableName: z.string(), Key: keySchema }).loose();
const putSchema = z.object({ TableName: z.string(), Item: keySchema }).loose();
const requestSchema = z.object({
  ClientRequestToken: z.string().optional(),
  TransactItems: z
    .array(z.object({ Put: putSchema, Update: actionSchema, Delete: actionSchema }).partial())
    .min(1)
    .max(100),
});
type Action = z.infer<typeof requestSchema>["TransactItems"][number];

/** Milliseconds in which DynamoDB recognizes a repeated `ClientRequestToken` and does not write again. */
const tokenLifetime = 600_000;
const target = "x-amz-target";
const inside = "x-inside-transaction";

/**
 * Adds `TransactWriteItems` to dynalite. Other requests wait while a transaction runs, so that none reads an
 * intermediate state. Its writes are executed one by one; if one fails, the earlier ones are reverted.
 *
 * @param keyNames key attributes of the table, to read an item that a `Put` replaces
 */
export function addTransactions(database: Server, keyNames: readonly string[]): void {
  const [handle] = database.listeners("request") as RequestListener[];
  if (!handle) throw new Error("the database has no request listener");
  const lock = new SharedLock();
  const pass = randomUUID();
  const done = new Map<string, number>();

  const call = async (operation: string, body: object): Promise<{ status: number; body: unknown }> => {
    const { port } = database.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}`, {
      method: "POST",
      headers: {
        "Content-Type": "application/x-amz-json-1.0",
        [target]: `DynamoDB_20120810.${operation}`,
        [inside]: pass,
        // dynalite checks only the format of a signature.
        Authorization: "AWS4-HMAC-SHA256 Credential=c, SignedHeaders=s, Signature=s",
        "X-Amz-Date": "20260101T000000Z",
      },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: await response.json() };
  };

  async function transact(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parsed = requestSchema.safeParse(await json(request));
    if (!parsed.success) return answer(response, 400, { __type: "ValidationException" });
    const { ClientRequestToken: token, TransactItems: actions } = parsed.data;
    const now = Date.now();
    for (const [known, at] of done) if (at < now - tokenLifetime) done.delete(known);
    if (token !== undefined && done.has(token)) return answer(response, 200, {});
    const undo: (() => Promise<unknown>)[] = [];
    for (const [index, action] of actions.entries()) {
      const { operation, body, key } = described(action, keyNames);
      const { TableName } = body;
      const former = z
        .object({ Item: keySchema.optional() })
        .parse((await call("GetItem", { TableName, Key: key, ConsistentRead: true })).body).Item;
      const written = await call(operation, body);
      if (written.status !== 200) {
        for (const back of undo.toReversed()) await back();
        return answer(response, 400, canceled(actions.length, index, written.body));
      }
      undo.push(() =>
        former ? call("PutItem", { TableName, Item: former }) : call("DeleteItem", { TableName, Key: key }),
      );
    }
    if (token !== undefined) done.set(token, now);
    answer(response, 200, {});
  }

  database.removeAllListeners("request");
  database.on("request", async (request, response) => {
    if (request.headers[inside] === pass) return handle(request, response);
    const isTransaction = request.headers[target] === "DynamoDB_20120810.TransactWriteItems";
    const release = await (isTransaction ? lock.exclusive() : lock.shared());
    response.once("close", release);
    if (!isTransaction) return handle(request, response);
    await transact(request, response).catch((error: unknown) => {
      answer(response, 500, { __type: "InternalServerError", message: String(error) });
    });
  });
}

function described({ Put, Update, Delete }: Action, keyNames: readonly string[]) {
  if (Put) {
    const key = Object.fromEntries(keyNames.map((name) => [name, Put.Item[name]]));
    return { operation: "PutItem", body: Put, key };
  }
  const body = Update ?? Delete;
  if (!body) throw new Error("ConditionCheck is not supported");
  return { operation: Update ? "UpdateItem" : "DeleteItem", body, key: body.Key };
}

/** DynamoDB's response to a canceled transaction, with one reason per action. */
function canceled(count: number, failed: number, cause: unknown) {
  const { __type = "", message = "" } = cause as { __type?: string; message?: string };
  const name = __type.split("#").at(-1);
  const Code = name === "ConditionalCheckFailedException" ? "ConditionalCheckFailed" : "ValidationError";
  const reasons = Array.from({ length: count }, (_, index) =>
    index === failed ? { Code, Message: message } : { Code: "None" },
  );
  return {
    __type: "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
    Message: `Transaction cancelled, please refer cancellation reasons for specific reasons [${reasons.map(({ Code }) => Code).join(", ")}]`,
    CancellationReasons: reasons,
  };
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "Content-Type": "application/x-amz-json-1.0" });
  response.end(JSON.stringify(body));
}
