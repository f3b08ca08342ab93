import type { OpenAPIHono } from "@hono/zod-openapi";
import { apiErrors } from "../shared/problem.ts";
import { webhookPayloadSchema } from "../shared/webhooks/webhook.ts";
import type { EdgeEnv } from "./edge.ts";

/** Date of the API's last visible change; docs/changelog.md lists it. */
export const apiVersion = "2026-11-29";

/** Description of the API in Markdown. */
const description = `Learn a photo edit from one before/after pair, and apply it to other photos.

**Authentication.** Send \`Authorization: Bearer KEY\`. Scopes of a key: \`read\` allows GET; \`write\` allows create, update, cancel and delete; \`keys\` allows managing keys and webhooks.

**Uploads.** Images are uploaded directly to object storage. \`POST /v1/uploads\` returns a form; send it as multipart, \`fields\` first, then \`file\`. \`POST /v1/uploads/{id}/complete\` validates the file. A phone or browser can do this with a short-lived token from \`POST /v1/uploads/tokens\`, without an API key.

**Jobs.** Creating an instruction, an edit or a batch returns 202 and starts a job. Its status is \`queued\`, \`running\`, then \`succeeded\`, \`failed\` or \`canceled\`. Poll \`urls.self\`, wait with \`Prefer: wait=30\`, follow \`urls.events\`, or use a webhook. An event stream ends with its job, or after 50 seconds; reconnect with \`Last-Event-ID\`.

**Results.** Signed URLs of results expire after an hour; get the edit again for new ones. Results are deleted at \`results_expire_at\`. After that, the edit has \`expired: true\` and no results, and \`/v1/edits/{id}/results/{index}\` returns 410.

**Idempotency.** An \`Idempotency-Key\` makes any POST safe to repeat for 24 hours.

**Credits.** A credit is a millionth of a US dollar. Credits are reserved when a job is accepted; if the balance is too low, the request returns 402. When the job ends, stored results and measured work are charged, even if it was canceled, and the rest is released. A failure without a result is free. \`cost\` is the reservation; \`Prefer: dry-run\` returns it without creating anything.

**Rate limits.** \`RateLimit\` and \`RateLimit-Policy\` contain the account's remaining requests for this minute, over all of its keys. 429 responses have \`Retry-After\`.

**Versioning.** \`Visii-Version\` in each response is the date of the last visible change. Within \`/v1\`, fields, events and optional parameters may be added; none is removed or changes its meaning.

**Errors** are \`application/problem+json\` (RFC 9457). \`code\` is stable, \`detail\` is human-readable. Quote \`request_id\` when you contact support.

**Webhooks** follow Standard Webhooks 1.0. \`webhook-signature\` contains \`v1,\` and the base64 HMAC-SHA256 of \`webhook-id.webhook-timestamp.body\`, keyed by the secret. Respond with 2xx. Any other response, including a redirect, is retried after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h and 20 h. 410 disables the webhook. A delivery can arrive twice, with the same \`webhook-id\`.

**Error codes.** A status is that of the response. A job, a batch or a line can end with any of these codes; "job" means that no response has it.

| Status | Code | Meaning |
|---|---|---|
${apiErrors.map(([code, status, meaning]) => `| ${status} | \`${code}\` | ${meaning} |`).join("\n")}`;

/** The groups of operations, in the order in which the reference shows them. */
const tags = {
  Uploads: "Files for instructions, edits and batches.",
  Instructions: "Edits learned from before/after pairs.",
  Edits: "Instructions or words applied to images.",
  Batches: "Edits of many images, once or on a schedule.",
  Events: "Progress of a job as server-sent events.",
  Webhooks: "Notifications that jobs have ended.",
  Usage: "Charges in a period.",
  Account: "Balance, limits and erasure.",
  Keys: "API keys and their scopes.",
  Health: "Availability of the API.",
};

/** The OpenAPI document's head. @param server base URL */
export const aboutApi = (server: string) => ({
  openapi: "3.1.0" as const,
  info: { title: "visii", version: apiVersion, description },
  servers: [{ url: server }],
  tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
});

/** Registers the components that no route refers to: authentication and the webhook payload. */
export function registerComponents({ openAPIRegistry: registry }: OpenAPIHono<EdgeEnv>): void {
  registry.registerComponent("securitySchemes", "key", {
    type: "http",
    scheme: "bearer",
    description: "An API key.",
  });
  registry.registerComponent("securitySchemes", "uploadToken", {
    type: "http",
    scheme: "bearer",
    description: "A token of `createUploadToken`, which can only create and complete uploads of images.",
  });
  // `meta` copies the schema: the registry cannot name one that was created before the registry was loaded.
  registry.register("WebhookPayload", webhookPayloadSchema.meta({ id: "WebhookPayload" }));
}

/**
 * The webhook request, described as a callback of the operation that creates the webhook. With OpenAPI's
 * `webhooks` field, code generators produce clients that do not compile.
 */
export const deliveryCallback = {
  event: {
    "{$request.body#/url}": {
      post: {
        operationId: "onJobEnd",
        summary: "Notifies that a job has ended",
        // The request is authenticated by its signature headers.
        security: [],
        requestBody: {
          required: true,
          content: { "application/json": { schema: { $ref: "#/components/schemas/WebhookPayload" } } },
        },
        responses: {
          "2XX": { description: "Received" },
          410: { description: "Received; the webhook is disabled" },
        },
      },
    },
  },
};
