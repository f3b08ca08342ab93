import { z } from "zod";
import type { Table } from "../ports/table.ts";
import { parseRow } from "../rows.ts";

/** Who owns everything below it. */
export const accountSchema = z.object({
  id: z.string(),
  name: z.string(),
  created_at: z.iso.datetime(),
  /** Signs the webhooks that a job names itself. */
  webhook_secret: z.string(),
  /** Whom the billing service knows it as; charges are told there when present. */
  billing_customer: z.string().optional(),
  /** Jobs that may be open at once. */
  concurrency: z.number().int().positive(),
});
export type Account = z.infer<typeof accountSchema>;

const keyOf = (id: string) => ({ pk: id, sk: "account" });

export async function readAccount(table: Table, id: string): Promise<Account | undefined> {
  const row = await table.get(keyOf(id));
  return row && parseRow(accountSchema, row).data;
}

/** Stores a new account; one of that id that is there already stays. */
export async function insertAccount(table: Table, account: Account): Promise<void> {
  await table.insert({ ...keyOf(account.id), data: account });
}
