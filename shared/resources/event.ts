import { z } from "zod";
import { editResultSchema } from "./edit.ts";
import { jobErrorSchema, progressSchema, statusSchema } from "./fields.ts";

/** A live event of a job. `result` means that there is a new result; get the edit for its URL. */
export const jobEventSchema = z.discriminatedUnion("type", [
  z
    .object({ type: z.literal("status"), status: statusSchema, error: jobErrorSchema.optional() })
    .meta({ id: "StatusEvent" }),
  z.object({ type: z.literal("progress"), progress: progressSchema }).meta({ id: "ProgressEvent" }),
  z.object({ type: z.literal("preview"), step: z.number().int() }).meta({ id: "PreviewEvent" }),
  z
    .object({ type: z.literal("result"), index: z.number().int(), input: editResultSchema.shape.input })
    .meta({ id: "ResultEvent" }),
]);
export type JobEvent = z.infer<typeof jobEventSchema>;
