/**
 * For webhook receivers. A separate entry point, because it needs `node:crypto` and the client runs in
 * browsers.
 */
export { verifyWebhook, WebhookError, type WebhookHeaders } from "../shared/webhooks/signing.ts";
export type { PayloadType, WebhookEvent, WebhookPayload } from "./resources.ts";
