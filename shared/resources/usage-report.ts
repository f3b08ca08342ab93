import { z } from "zod";
import { timeSchema, usageSchema } from "./fields.ts";

export const usageQuerySchema = z.object({
  from: timeSchema.optional().describe("From this time on; 30 days before `to` when absent."),
  to: timeSchema.optional().describe("Up to, not including; now when absent."),
});

export const usageReportSchema = z.object({
  from: timeSchema,
  to: timeSchema,
  balance: z.number().int().describe("Credits at hand now, in millionths of a US dollar."),
  reserved: z.number().int().describe("Credits set aside for jobs that are not done."),
  totals: usageSchema.extend({ jobs: z.number().int() }).meta({ id: "UsageTotals" }),
  records: z
    .array(
      z
        .object({
          job: z
            .string()
            .describe("The instruction or the edit; a batch, whose edits are charged several at a time."),
          jobs: z.number().int().describe("How many jobs: 1, or edits of the batch."),
          at: timeSchema,
          usage: usageSchema,
        })
        .meta({ id: "UsageRecord" }),
    )
    .describe("Charges, the oldest first; at most 1000."),
});
export type UsageReport = z.infer<typeof usageReportSchema>;
