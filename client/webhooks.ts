/** For receivers of webhooks. It needs `node:crypto`, so it is apart from the client, which browsers load. */
export { verifyWebhook, type WebhookHeaders } from "../shared/webhooks/signing.ts";
export type { PayloadType, WebhookEvent, WebhookPayload } from "./resources.ts";
