import { z } from "zod";
import { idSchema } from "../ids.ts";
import { batchCountsSchema } from "../resources/batch.ts";
import {
  jobErrorSchema,
  metadataSchema,
  timeSchema,
  usageSchema,
  webhookUrlSchema,
} from "../resources/fields.ts";

const webhookEvents = [
  "instruction.succeeded",
  "instruction.failed",
  "instruction.canceled",
  "edit.succeeded",
  "edit.failed",
  "edit.canceled",
  "batch.succeeded",
  "batch.failed",
  "batch.canceled",
] as const;
const webhookEventSchema = z.enum(webhookEvents).meta({ id: "WebhookEvent" });
export type WebhookEvent = z.infer<typeof webhookEventSchema>;

/** An event, or what `POST /v1/webhooks/{id}/ping` sends. */
export const payloadTypeSchema = z.enum([...webhookEvents, "ping"]).meta({ id: "PayloadType" });

/** What a webhook brings: no more than what is needed to look at the rest. */
export const webhookPayloadSchema = z.object({
  type: payloadTypeSchema,
  timestamp: timeSchema.describe("When it was first to be sent."),
  data: z
    .object({
      id: z.string().describe("Of the instruction, edit or batch; of the webhook, for a ping."),
      status: z.string(),
      usage: usageSchema.optional(),
      error: jobErrorSchema.optional(),
      metadata: metadataSchema.optional(),
      counts: batchCountsSchema.optional(),
    })
    .meta({ id: "WebhookData" }),
});
export type WebhookPayload = z.infer<typeof webhookPayloadSchema>;

export const createWebhookSchema = z
  .strictObject({
    url: webhookUrlSchema,
    events: z.array(webhookEventSchema).min(1).optional().describe("All when absent."),
  })
  .meta({ id: "CreateWebhook" });

export const updateWebhookSchema = z
  .strictObject({
    url: webhookUrlSchema.optional(),
    events: z.array(webhookEventSchema).min(1).nullable().optional().describe("`null` for all."),
    enabled: z.boolean().optional(),
  })
  .refine((change) => Object.values(change).some((value) => value !== undefined), {
    error: "give a url, events, enabled, or several of them",
  })
  .meta({ id: "UpdateWebhook" });

export const webhookSchema = z.object({
  id: idSchema("webhook"),
  url: z.url(),
  events: z.array(webhookEventSchema).optional(),
  enabled: z.boolean().describe("False after an answer of 410 Gone."),
  created_at: timeSchema,
});
export type WebhookResource = z.infer<typeof webhookSchema>;

/** A secret that was replaced, and until when it signs beside the new one. */
export const previousSecretSchema = z.object({ secret: z.string(), until: timeSchema });
export type PreviousSecret = z.infer<typeof previousSecretSchema>;

/** Seconds for which the old secret goes on signing, so that a receiver can take up the new one in its own time. */
export const secretOverlap = 24 * 3600;

/** As stored: the secret is shown once, when it is made. */
export const storedWebhookSchema = webhookSchema.extend({
  account: z.string(),
  secret: z.string(),
  previous: previousSecretSchema.optional(),
});
export type StoredWebhook = z.infer<typeof storedWebhookSchema>;

export const createdWebhookSchema = webhookSchema.extend({ secret: z.string() });

export const deliverySchema = z.object({
  id: idSchema("delivery"),
  webhook: idSchema("webhook").optional(),
  url: z.url(),
  type: payloadTypeSchema,
  status: z.enum(["pending", "delivered", "failed"]),
  attempts: z.number().int(),
  /** Of the last answer; absent when none came. */
  response_status: z.number().int().optional(),
  last_error: z.string().optional(),
  next_attempt_at: timeSchema.optional(),
  created_at: timeSchema,
});
export type DeliveryResource = z.infer<typeof deliverySchema>;

export const storedDeliverySchema = deliverySchema.extend({ account: z.string(), body: z.string() });
export type StoredDelivery = z.infer<typeof storedDeliverySchema>;
