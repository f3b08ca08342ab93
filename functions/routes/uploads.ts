import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { competingWait, uploadTimes, writeCompleted } from "../../shared/completed-uploads.ts";
import { defined } from "../../shared/defined.ts";
import { eraseUpload } from "../../shared/erasure/erase.ts";
import { VisibleError } from "../../shared/errors.ts";
import { readImageHeader } from "../../shared/image-header.ts";
import { lifetimes, objectKeys } from "../../shared/object-keys.ts";
import { toIso } from "../../shared/ports/clock.ts";
import {
  createUploadSchema,
  downloadSchema,
  imageTypes,
  maxUploadBytes,
  type Upload,
  type UploadType,
  uploadFormSchema,
  uploadSchema,
} from "../../shared/resources/upload.ts";
import { parseRow, rowKeys } from "../../shared/rows.ts";
import { readTotals, requireStorage, storageLimit } from "../../shared/totals.ts";
import type { Edge, EdgeEnv } from "../edge.ts";
import { refuse } from "../problem-responses.ts";
import { useQuota } from "../quotas.ts";
import { checkUpload } from "../upload-check.ts";
import { readUpload } from "../uploads.ts";
import { idempotencyKeyHeader } from "./request-headers.ts";
import { idParams, json, jsonBody, linksTo, orProblem, secured } from "./route-parts.ts";

const tags = ["Uploads"];
/** Operations that also accept an upload token. */
const forUploads = [...secured, { uploadToken: [] }];
const create = createRoute({
  method: "post",
  path: "/v1/uploads",
  operationId: "createUpload",
  parameters: [idempotencyKeyHeader],
  tags,
  security: forUploads,
  summary: "Create an upload and get its form",
  request: jsonBody(createUploadSchema, { content_type: "image/jpeg", bytes: 250_000 }),
  responses: {
    201: {
      ...json(uploadFormSchema.meta({ id: "UploadForm" }), "The form"),
      ...linksTo("completeUpload", "getUpload", "deleteUpload"),
    },
    ...orProblem,
  },
});
const shown = uploadSchema.meta({ id: "Upload" });
const usesOfUpload = linksTo("getUpload", "deleteUpload");
const complete = createRoute({
  method: "post",
  path: "/v1/uploads/{id}/complete",
  operationId: "completeUpload",
  tags,
  security: forUploads,
  summary: "Complete an upload after sending the file; the file is validated",
  request: { params: idParams("upload") },
  responses: { 200: { ...json(shown, "The upload, ready for use"), ...usesOfUpload }, ...orProblem },
});
const get = createRoute({
  method: "get",
  path: "/v1/uploads/{id}",
  operationId: "getUpload",
  tags,
  security: secured,
  summary: "Get an upload",
  request: { params: idParams("upload") },
  responses: { 200: json(shown, "The upload"), ...orProblem },
});

const remove = createRoute({
  method: "delete",
  path: "/v1/uploads/{id}",
  operationId: "deleteUpload",
  tags,
  security: secured,
  summary: "Delete an upload and its file; jobs that have not read it yet will fail",
  request: { params: idParams("upload") },
  responses: { 204: { description: "Deleted" }, ...orProblem },
});

const download = createRoute({
  method: "post",
  path: "/v1/uploads/download",
  operationId: "downloadUpload",
  parameters: [idempotencyKeyHeader],
  tags,
  security: secured,
  summary: "Create an upload from a URL",
  request: jsonBody(downloadSchema, { url: "https://example.com/photo.jpg" }),
  responses: { 201: { ...json(shown, "The upload, ready for use"), ...usesOfUpload }, ...orProblem },
});

/** Adds the routes of uploads. */
export function addUploadRoutes(app: OpenAPIHono<EdgeEnv>, edge: Edge): void {
  const { table, objects, clock, random, uploadTokens } = edge;
  const limitOf = async (account: string) => storageLimit(await edge.accountOf(account));

  app.openapi(create, async (context) => {
    const { content_type, bytes, name } = context.req.valid("json");
    const account = context.get("account");
    const token = context.get("uploadToken");
    const id = context.get("newId")("upload");
    const now = clock.now();
    if (token) {
      requireImage(content_type);
      // Checked before the account's quota, so that a used-up token does not consume it.
      await uploadTokens.countUpload(token, bytes);
    }
    requireStorage(await readTotals(table, account), { bytes, limit: await limitOf(account) });
    await useQuota(edge, account, "uploadBytes", bytes);
    const upload: Upload = {
      id,
      status: "pending",
      content_type,
      bytes,
      created_at: toIso(now),
      ...defined({ name, token: token?.id }),
    };
    // A token's form expires no later than the token.
    const usualEnd = now + lifetimes.uploadForm * 1000;
    const formEnd = token ? Math.min(usualEnd, Date.parse(token.expires_at)) : usualEnd;
    // The sweeper deletes uploads that are never completed.
    const due = toIso(now + 2 * lifetimes.uploadForm * 1000);
    const expires = Math.floor(now / 1000) + lifetimes.uncompletedUpload;
    await table.insert({ ...rowKeys.resource(account, id), data: { ...upload, account }, due, expires });
    const { url, fields } = await objects.presignUpload({
      key: objectKeys.upload(account, id),
      contentType: content_type,
      maxBytes: Math.min(bytes, maxUploadBytes),
      expiresInSeconds: Math.max(1, Math.floor((formEnd - now) / 1000)),
    });
    const expires_at = toIso(formEnd);
    return context.json({ id, method: "POST" as const, url, fields: { ...fields }, expires_at }, 201);
  });

  app.openapi(download, async (context) => {
    const { url, name } = context.req.valid("json");
    const account = context.get("account");
    const id = context.get("newId")("upload");
    const bytes = url.startsWith("data:") ? decodeDataUri(url) : await downloadFor(edge, account, url);
    await useQuota(edge, account, "uploadBytes", bytes.byteLength);
    const type = readImageHeader(bytes)?.type ?? imageTypes[0];
    const facts = checkUpload(bytes, type);
    const limit = await limitOf(account);
    requireStorage(await readTotals(table, account), { bytes: bytes.byteLength, limit });
    await objects.put(objectKeys.input(account, id), bytes, type);
    const now = clock.now();
    const { expires_at, row } = uploadTimes(now);
    const upload: Upload = {
      id,
      status: "ready",
      content_type: type,
      created_at: toIso(now),
      expires_at,
      ...facts,
      ...defined({ name }),
    };
    const insert = (position: object) => ({
      insert: { ...rowKeys.resource(account, id), ...row, data: { ...upload, account, ...position } },
    });
    for (;;) {
      let known: Upload | undefined;
      try {
        if ((await writeCompleted(edge, account, upload, limit, insert)) === "written") break;
        known = await readUpload(edge, account, id);
      } catch (error) {
        known = await readUpload(edge, account, id);
        // Concurrent uploads have filled the storage since it was checked.
        if (error instanceof VisibleError && !known) await objects.delete(objectKeys.input(account, id));
        if (!known) throw error;
      }
      // An earlier attempt of the request created it.
      if (known) return context.json(known, 201);
      await clock.sleep(competingWait(random));
    }
    return context.json(upload, 201);
  });

  app.openapi(complete, async (context) => {
    const account = context.get("account");
    const { id } = context.req.valid("param");
    const upload = await readUpload(edge, account, id);
    const token = context.get("uploadToken");
    if (!upload || (token && upload.token !== token.id)) throw refuse("not_found", `Upload ${id} not found.`);
    if (upload.status === "ready") return context.json(upload, 200);
    const key = objectKeys.upload(account, id);
    const size = await objects.size(key);
    if (size === undefined)
      throw refuse("upload_missing", "The file has not been uploaded; POST it to the upload's `url` first.");
    // Checked before reading, because the store may not enforce the limit.
    if (size > maxUploadBytes)
      throw refuse(
        "too_large",
        `The file has ${size} bytes; the limit is ${maxUploadBytes}. Use a smaller file.`,
      );
    const bytes = (await objects.get(key)) ?? new Uint8Array();
    const facts = checkUpload(bytes, upload.content_type);
    const limit = await limitOf(account);
    requireStorage(await readTotals(table, account), { bytes: bytes.byteLength, limit });
    // Copy the validated bytes to a key that the form cannot overwrite.
    await objects.put(objectKeys.input(account, id), bytes, upload.content_type);
    const { expires_at, row } = uploadTimes(clock.now());
    const ready: Upload = { ...upload, ...facts, status: "ready", expires_at };
    const resource = rowKeys.resource(account, id);
    for (;;) {
      const current = await table.get(resource);
      const now = current && parseRow(uploadSchema, current).data;
      // Another request completed it in the meantime.
      if (now && now.status !== "pending") return context.json(now, 200);
      const replace = (position: object) => ({
        replace: { ...resource, ...row, data: { ...ready, account, ...position } },
        version: current?.version ?? 0,
      });
      try {
        if (!now) throw refuse("not_found", `Upload ${id} not found.`);
        if ((await writeCompleted(edge, account, ready, limit, replace)) === "written") break;
      } catch (error) {
        const isReady = (await readUpload(edge, account, id))?.status === "ready";
        if (error instanceof VisibleError && !isReady) await objects.delete(objectKeys.input(account, id));
        if (!isReady) throw error;
      }
      await clock.sleep(competingWait(random));
    }
    await objects.delete(key);
    return context.json(ready, 200);
  });

  app.openapi(get, async (context) => {
    const { id } = context.req.valid("param");
    const upload = await readUpload(edge, context.get("account"), id);
    if (!upload) throw refuse("not_found", `Upload ${id} not found.`);
    return context.json(upload, 200);
  });

  app.openapi(remove, async (context) => {
    const { id } = context.req.valid("param");
    const account = context.get("account");
    if (!(await readUpload(edge, account, id))) throw refuse("not_found", `Upload ${id} not found.`);
    await eraseUpload(edge, account, id);
    return context.body(null, 204);
  });
}

function requireImage(type: UploadType): void {
  if (!(imageTypes as readonly string[]).includes(type))
    throw refuse(
      "missing_scope",
      `An upload token can only upload images, and the content type is ${type}; use an API key.`,
    );
}

/** Maximum seconds of a download. */
const longestDownload = 15;

/**
 * @throws VisibleError as Download does; `too_many_downloads` when the account's connections are all in use
 */
async function downloadFor(
  { download, connections, settings }: Edge,
  account: string,
  url: string,
): Promise<Uint8Array> {
  const release = await connections.take(account, longestDownload);
  if (!release)
    throw refuse(
      "too_many_downloads",
      `The account has ${settings.heldConnections} open connections, the limit; retry when a download or stream has ended.`,
    );
  try {
    return await download(url, maxUploadBytes);
  } finally {
    await release();
  }
}

function decodeDataUri(uri: string): Uint8Array {
  const [, base64] = /^data:[^,]*;base64,([A-Za-z0-9+/]+={0,2})$/.exec(uri) ?? [];
  if (base64 === undefined)
    throw refuse("invalid_upload", "The data URI is not base64; use the form data:image/jpeg;base64,….");
  return new Uint8Array(Buffer.from(base64, "base64"));
}
