import { z } from "zod";
import type { Table } from "../ports/table.ts";
import { parseRow, updateRow } from "../rows.ts";
import { previousSecretSchema } from "../webhooks/webhook.ts";

/** Who owns everything below it. */
export const accountSchema = z.object({
  id: z.string(),
  name: z.string(),
  created_at: z.iso.datetime(),
  /** Signs the webhooks that a job names itself. */
  webhook_secret: z.string(),
  /** Whom the billing service knows it as; charges are told there when present. */
  billing_customer: z.string().optional(),
  /** The secret before the last rotation, and until when it signs beside the new one. */
  previous_webhook_secret: previousSecretSchema.optional(),
  /** Days for which results are kept; the usual time when absent. */
  result_days: z.number().int().positive().optional(),
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

/** Gives an account a new secret for the webhooks that its jobs name; the old one signs beside it until then. */
export async function rotateAccountSecret(
  table: Table,
  id: string,
  secret: string,
  until: string,
): Promise<void> {
  await updateRow(table, keyOf(id), accountSchema, (account) => ({
    data: {
      ...account,
      webhook_secret: secret,
      previous_webhook_secret: { secret: account.webhook_secret, until },
    },
  }));
}
