import { z } from "zod";
import { timeSchema, usageSchema } from "./fields.ts";

/** Schemas of the usage report. */
export const usageQuerySchema = z.object({
  from: timeSchema.optional().describe("Start, inclusive. Default: 30 days before `to`."),
  to: timeSchema.optional().describe("End, exclusive. Default: now."),
});

export const usageReportSchema = z.object({
  from: timeSchema,
  to: timeSchema,
  balance: z.number().int().describe("Available credits, in millionths of a US dollar."),
  reserved: z.number().int().describe("Credits reserved for open jobs."),
  totals: usageSchema.extend({ jobs: z.number().int() }).meta({ id: "UsageTotals" }),
  records: z
    .array(
      z
        .object({
          job: z
            .string()
            .describe("ID of the instruction or edit, or of the batch, whose edits are charged together."),
          jobs: z.number().int().describe("Number of jobs: 1, or the number of edits of the batch."),
          at: timeSchema,
          usage: usageSchema,
        })
        .meta({ id: "UsageRecord" }),
    )
    .describe("Up to 1,000 charges, oldest first."),
});
export type UsageReport = z.infer<typeof usageReportSchema>;
