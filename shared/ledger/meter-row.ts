import { z } from "zod";
import { timeSchema } from "../resources/fields.ts";

/** A charge that a billing service has not been told of yet. It waits here until that is done. */
export const meterRowSchema = z.object({
  job: z.string(),
  customer: z.string(),
  credits: z.number().int(),
  at: timeSchema,
  attempts: z.number().int(),
});
export type MeterRow = z.infer<typeof meterRowSchema>;

export const meterKey = (account: string, job: string) => ({ pk: account, sk: `mtr#${job}` });
