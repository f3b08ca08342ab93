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

/** An event, or `ping`, which `POST /v1/webhooks/{id}/ping` sends. */
const payloadTypeSchema = z.enum([...webhookEvents, "ping"]).meta({ id: "PayloadType" });

/** The payload of a webhook. It identifies the resource to fetch. */
export const webhookPayloadSchema = z.object({
  type: payloadTypeSchema,
  timestamp: timeSchema.describe("When the event occurred."),
  data: z
    .object({
      id: z.string().describe("ID of the instruction, edit or batch; for a ping, of the webhook."),
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
    events: z.array(webhookEventSchema).min(1).optional().describe("Default: all events."),
  })
  .meta({ id: "CreateWebhook" });

export const updateWebhookSchema = z
  .strictObject({
    url: webhookUrlSchema.optional(),
    events: z
      .array(webhookEventSchema)
      .min(1)
      .nullable()
      .optional()
      .describe("`null` subscribes to all events."),
    enabled: z.boolean().optional(),
  })
  .refine((change) => Object.values(change).some((value) => value !== undefined), {
    error: "must have at least one of url, events and enabled",
  })
  .meta({ id: "UpdateWebhook" });

export const webhookSchema = z.object({
  id: idSchema("webhook"),
  url: z.url(),
  events: z.array(webhookEventSchema).optional(),
  enabled: z.boolean().describe("False after the receiver responded 410 Gone."),
  created_at: timeSchema,
});
export type WebhookResource = z.infer<typeof webhookSchema>;

/** A rotated secret, and when it stops signing in addition to the new one. */
export const previousSecretSchema = z.object({ secret: z.string(), until: timeSchema });
export type PreviousSecret = z.infer<typeof previousSecretSchema>;

/** Seconds for which a rotated secret still signs, so that receivers have time to switch. */
export const secretOverlap = 24 * 3600;

/** As stored. The API returns the secret only once, on creation. */
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
  /** HTTP status of the last response; absent when there was none. */
  response_status: z.number().int().optional(),
  last_error: z.string().optional(),
  next_attempt_at: timeSchema.optional(),
  created_at: timeSchema,
});
export type DeliveryResource = z.infer<typeof deliverySchema>;

export const storedDeliverySchema = deliverySchema.extend({ account: z.string(), body: z.string() });
export type StoredDelivery = z.infer<typeof storedDeliverySchema>;
