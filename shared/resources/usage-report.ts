import { z } from "zod";
import { timeSchema, usageSchema } from "./fields.ts";

export const usageQuerySchema = z.object({
  /** From this time on; 30 days before `to` when absent. */
  from: timeSchema.optional(),
  /** Up to, not including; now when absent. */
  to: timeSchema.optional(),
});

export const usageReportSchema = z.object({
  from: timeSchema,
  to: timeSchema,
  /** Credits at hand now, in millionths of a US dollar. */
  balance: z.number().int(),
  /** Credits set aside for jobs that are not done. */
  reserved: z.number().int(),
  totals: usageSchema.extend({ jobs: z.number().int() }),
  /** One for each job that was charged, the oldest first; at most 1000. */
  records: z.array(z.object({ job: z.string(), at: timeSchema, usage: usageSchema })),
});
export type UsageReport = z.infer<typeof usageReportSchema>;
