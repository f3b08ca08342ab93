import type * as client from "visii-client";
import type { WebhookPayload } from "visii-client/webhooks";
import { describe, expectTypeOf, it } from "vitest";
import type { z } from "zod";
import type { createdKeySchema, createKeySchema, keySchema } from "../../shared/accounts/api-key.ts";
import type { problemSchema } from "../../shared/problem.ts";
import type { batchLineSchema, batchSchema, createBatchSchema } from "../../shared/resources/batch.ts";
import type { createEditSchema, editSchema } from "../../shared/resources/edit.ts";
import type { jobEventSchema } from "../../shared/resources/event.ts";
import type {
  createInstructionSchema,
  importInstructionSchema,
  instructionSchema,
  patchInstructionSchema,
} from "../../shared/resources/instruction.ts";
import type {
  createUploadSchema,
  downloadSchema,
  uploadFormSchema,
  uploadSchema,
} from "../../shared/resources/upload.ts";
import type {
  createdUploadTokenSchema,
  createUploadTokenSchema,
  uploadTokenSchema,
} from "../../shared/resources/upload-token.ts";
import type { usageReportSchema } from "../../shared/resources/usage-report.ts";
import type {
  createdWebhookSchema,
  createWebhookSchema,
  deliverySchema,
  updateWebhookSchema,
  webhookPayloadSchema,
  webhookSchema,
} from "../../shared/webhooks/webhook.ts";

/** A JSON type without `readonly`, in which absent equals undefined. */
type Plain<Value> = Value extends object
  ? { -readonly [Name in keyof Value]: Plain<Exclude<Value[Name], undefined>> }
  : Value;
type Sent<Schema extends z.ZodType> = Plain<z.input<Schema>>;
type Answered<Schema extends z.ZodType> = Plain<z.output<Schema>>;

// Checked by tsc in continuous integration.
describe("the client's types are those of the service's schemas", () => {
  it("for requests", () => {
    expectTypeOf<Plain<client.CreateUpload>>().toEqualTypeOf<Sent<typeof createUploadSchema>>();
    expectTypeOf<Plain<client.CreateUploadToken>>().toEqualTypeOf<Sent<typeof createUploadTokenSchema>>();
    expectTypeOf<Plain<client.Download>>().toEqualTypeOf<Sent<typeof downloadSchema>>();
    expectTypeOf<Plain<client.CreateInstruction>>().toEqualTypeOf<Sent<typeof createInstructionSchema>>();
    expectTypeOf<Plain<client.ImportInstruction>>().toEqualTypeOf<Sent<typeof importInstructionSchema>>();
    expectTypeOf<Plain<client.UpdateInstruction>>().toEqualTypeOf<Sent<typeof patchInstructionSchema>>();
    expectTypeOf<Plain<client.CreateEdit>>().toEqualTypeOf<Sent<typeof createEditSchema>>();
    expectTypeOf<Plain<client.CreateBatch>>().toEqualTypeOf<Sent<typeof createBatchSchema>>();
    expectTypeOf<Plain<client.CreateKey>>().toEqualTypeOf<Sent<typeof createKeySchema>>();
    expectTypeOf<Plain<client.CreateWebhook>>().toEqualTypeOf<Sent<typeof createWebhookSchema>>();
    expectTypeOf<Plain<client.UpdateWebhook>>().toEqualTypeOf<Sent<typeof updateWebhookSchema>>();
  });

  it("for responses", () => {
    expectTypeOf<Plain<client.UploadForm>>().toEqualTypeOf<Answered<typeof uploadFormSchema>>();
    expectTypeOf<Plain<client.Upload>>().toEqualTypeOf<Answered<typeof uploadSchema>>();
    expectTypeOf<Plain<client.UploadTokenResource>>().toEqualTypeOf<Answered<typeof uploadTokenSchema>>();
    expectTypeOf<Plain<client.CreatedUploadToken>>().toEqualTypeOf<
      Answered<typeof createdUploadTokenSchema>
    >();
    expectTypeOf<Plain<client.InstructionResource>>().toEqualTypeOf<Answered<typeof instructionSchema>>();
    expectTypeOf<Plain<client.EditResource>>().toEqualTypeOf<Answered<typeof editSchema>>();
    expectTypeOf<Plain<client.BatchResource>>().toEqualTypeOf<Answered<typeof batchSchema>>();
    expectTypeOf<Plain<client.BatchLine>>().toEqualTypeOf<Answered<typeof batchLineSchema>>();
    expectTypeOf<Plain<client.KeyResource>>().toEqualTypeOf<Answered<typeof keySchema>>();
    expectTypeOf<Plain<client.CreatedKey>>().toEqualTypeOf<Answered<typeof createdKeySchema>>();
    expectTypeOf<Plain<client.WebhookResource>>().toEqualTypeOf<Answered<typeof webhookSchema>>();
    expectTypeOf<Plain<client.CreatedWebhook>>().toEqualTypeOf<Answered<typeof createdWebhookSchema>>();
    expectTypeOf<Plain<client.DeliveryResource>>().toEqualTypeOf<Answered<typeof deliverySchema>>();
    expectTypeOf<Plain<client.UsageReport>>().toEqualTypeOf<Answered<typeof usageReportSchema>>();
    expectTypeOf<Plain<client.Problem>>().toEqualTypeOf<Answered<typeof problemSchema>>();
  });

  it("for events and webhooks", () => {
    expectTypeOf<Plain<client.JobEvent>>().toEqualTypeOf<Answered<typeof jobEventSchema>>();
    expectTypeOf<Plain<WebhookPayload>>().toEqualTypeOf<Answered<typeof webhookPayloadSchema>>();
  });
});
