import { z } from "zod";

/** A key with a monthly limit, and the month in which a job or batch counts: that of its creation, in UTC. */
export const spenderSchema = z.object({
  key: z.string(),
  /** `2026-11`. */
  month: z.string(),
  /** Credits. */
  limit: z.number().int(),
});
export type Spender = z.infer<typeof spenderSchema>;
