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
  totals: usageSchema.extend({ jobs: z.number().int() }),
  records: z
    .array(z.object({ job: z.string(), at: timeSchema, usage: usageSchema }))
    .describe("One for each job that was charged, the oldest first; at most 1000."),
});
export type UsageReport = z.infer<typeof usageReportSchema>;
