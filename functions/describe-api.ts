import type { OpenAPIHono } from "@hono/zod-openapi";
import { webhookPayloadSchema } from "../shared/webhooks/webhook.ts";
import type { EdgeEnv } from "./edge.ts";

/** The date of the API's last change that a caller may notice; docs/changelog.md names it. */
export const apiVersion = "2026-11-29";

/** What holds for every request, in Markdown without tables or lists: the reference page shows it as paragraphs. */
const description = `Learn a picture edit from one before/after pair, and make the same edit on any other picture.

**Keys.** Send \`Authorization: Bearer KEY\`. A key opens by its scopes: \`read\` looks, \`write\` makes and changes, \`keys\` manages keys and webhooks.

**Pictures** do not pass through here: \`POST /v1/uploads\` gives a form that takes the file straight to the store (multipart: its \`fields\` first, then \`file\`), and \`POST /v1/uploads/{id}/complete\` checks what arrived by its bytes.

**Jobs.** Making an instruction, an edit or a batch is answered with 202 and goes on by itself: \`queued\`, \`running\`, then \`succeeded\`, \`failed\` or \`canceled\`. Look at \`urls.self\`, wait with \`Prefer: wait=30\`, follow \`urls.events\` live, or be told by a webhook. A stream of events ends with its job, or after 50 seconds; \`Last-Event-ID\` takes it up where it ended.

**Links** to results hold for an hour, and every look gives new ones. Results are deleted at \`results_expire_at\`; afterwards the edit is still there, with \`expired: true\` and no results, and \`/v1/edits/{id}/results/{index}\` answers 410.

**Repeating.** An \`Idempotency-Key\` makes any POST safe to repeat for a day.

**Money** is counted in credits, millionths of a US dollar. They are reserved when a job is accepted (402 when the balance does not cover them) and charged for the results that are stored and the work that was measured, also when the job is canceled; the rest is returned. A failure without a result costs nothing. \`cost\` states the reservation, and \`Prefer: dry-run\` asks for it without making anything.

**Limits.** \`RateLimit\` and \`RateLimit-Policy\` state how many requests the account has left this minute, whichever of its keys it uses; 429 comes with \`Retry-After\`.

**Versions.** \`Visii-Version\` in each answer is the date of the last change that a caller may notice. Within \`/v1\` fields, events and optional parameters may be added; nothing is taken away or changes its meaning.

**Errors** are \`application/problem+json\` (RFC 9457). \`code\` is stable, \`detail\` is for people, and \`request_id\` is what to quote.

**Webhooks** follow Standard Webhooks 1.0: \`webhook-signature\` holds \`v1,\` and the base64 HMAC-SHA256 of \`webhook-id.webhook-timestamp.body\` under the secret. Answer 2xx. Anything else, a redirect too, is tried again after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h and 20 h; 410 stops the webhook. Deliveries may come twice: \`webhook-id\` is the same then.`;

/** What the OpenAPI document says besides its routes. @param server that links begin with; this one when absent */
export const aboutApi = (server: string | undefined) => ({
  openapi: "3.1.0" as const,
  info: { title: "visii", version: apiVersion, description },
  servers: [{ url: server ?? "/" }],
});

/** Adds what no route tells of: how keys are sent, and what webhooks bring. */
export function registerBesides({ openAPIRegistry: registry }: OpenAPIHono<EdgeEnv>): void {
  registry.registerComponent("securitySchemes", "key", { type: "http", scheme: "bearer" });
  // A copy, which the registry can name also when the schema was made before the registry was loaded.
  registry.register("WebhookPayload", webhookPayloadSchema.meta({ id: "WebhookPayload" }));
}

/**
 * What a webhook's address is sent, as a callback of the operation that makes the webhook. OpenAPI's own `webhooks` would say it
 * too, but code generators make clients of them that do not compile.
 */
export const deliveryCallback = {
  event: {
    "{$request.body#/url}": {
      post: {
        operationId: "onJobEnd",
        summary: "Tells that a job has ended",
        requestBody: {
          required: true,
          content: { "application/json": { schema: { $ref: "#/components/schemas/WebhookPayload" } } },
        },
        responses: { "2XX": { description: "Heard" } },
      },
    },
  },
};
