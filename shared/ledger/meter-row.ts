import { z } from "zod";
import { timeSchema } from "../resources/fields.ts";

/** A charge that has not been reported to the billing service yet. */
export const meterRowSchema = z.object({
  job: z.string(),
  customer: z.string(),
  credits: z.number().int(),
  at: timeSchema,
  attempts: z.number().int(),
});
export type MeterRow = z.infer<typeof meterRowSchema>;

export const meterKey = (account: string, job: string) => ({ pk: account, sk: `mtr#${job}` });
