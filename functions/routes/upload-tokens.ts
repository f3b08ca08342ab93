import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { defined } from "../../shared/defined.ts";
import { pageOf, pageQuerySchema } from "../../shared/resources/fields.ts";
import {
  createdUploadTokenSchema,
  createUploadTokenSchema,
  type StoredUploadToken,
  storedUploadTokenSchema,
  type UploadTokenResource,
  uploadTokenSchema,
} from "../../shared/resources/upload-token.ts";
import { parseRow } from "../../shared/rows.ts";
import type { Edge, EdgeEnv } from "../edge.ts";
import { refuse } from "../problem-responses.ts";
import { idempotencyKeyHeader } from "./request-headers.ts";
import {
  decodeCursor,
  encodeCursor,
  idParams,
  json,
  jsonBody,
  linksTo,
  orProblem,
  secured,
} from "./route-parts.ts";

const base = { tags: ["Uploads"], security: secured };
const shown = uploadTokenSchema.meta({ id: "UploadToken" });
const created = createdUploadTokenSchema.meta({ id: "CreatedUploadToken" });

const create = createRoute({
  ...base,
  method: "post",
  path: "/v1/uploads/tokens",
  operationId: "createUploadToken",
  summary: "Create a short-lived token that lets a phone or browser upload, and nothing else",
  parameters: [idempotencyKeyHeader],
  request: jsonBody(createUploadTokenSchema, { expires_in: 600, max_uploads: 10 }),
  responses: { 201: { ...json(created, "The token"), ...linksTo("revokeUploadToken") }, ...orProblem },
});
const list = createRoute({
  ...base,
  method: "get",
  path: "/v1/uploads/tokens",
  operationId: "listUploadTokens",
  summary: "List upload tokens that have not expired, newest first",
  request: { query: pageQuerySchema },
  responses: { 200: json(pageOf(shown).meta({ id: "UploadTokenPage" }), "A page"), ...orProblem },
});
const revoke = createRoute({
  ...base,
  method: "delete",
  path: "/v1/uploads/tokens/{id}",
  operationId: "revokeUploadToken",
  summary: "Revoke an upload token; it stops working at once",
  request: { params: idParams("token") },
  responses: { 204: { description: "Revoked" }, ...orProblem },
});

const present = ({ account: _, key: __, hash: ___, ...token }: StoredUploadToken): UploadTokenResource =>
  token;

/** Adds the routes of upload tokens. */
export function addUploadTokenRoutes(app: OpenAPIHono<EdgeEnv>, { uploadTokens, table }: Edge): void {
  app.openapi(create, async (context) => {
    const key = context.get("key");
    const id = context.get("newId")("token");
    // An earlier attempt may have created the token, but its secret was never returned.
    if (context.get("resumed")) await uploadTokens.revoke(key.account, id);
    const { stored, token } = await uploadTokens.create(id, key, context.req.valid("json"));
    return context.json({ ...present(stored), token }, 201);
  });

  app.openapi(list, async (context) => {
    const { limit, cursor } = context.req.valid("query");
    const after = cursor === undefined ? undefined : decodeCursor(cursor);
    if (after !== undefined && !/^tok#\w{1,40}$/.test(after))
      throw refuse("invalid_cursor", "The cursor is invalid; use a `next_cursor` of this list.");
    const rows = await table.query(context.get("account"), {
      prefix: "tok#",
      limit,
      newestFirst: true,
      ...defined({ after }),
    });
    const data = rows.map((row) => present(parseRow(storedUploadTokenSchema, row).data));
    const last = rows.length === limit ? rows.at(-1) : undefined;
    return context.json({ data, ...(last ? { next_cursor: encodeCursor(last.sk) } : {}) }, 200);
  });

  app.openapi(revoke, async (context) => {
    const { id } = context.req.valid("param");
    if (!(await uploadTokens.revoke(context.get("account"), id)))
      throw refuse("not_found", `Upload token ${id} not found.`);
    return context.body(null, 204);
  });
}
