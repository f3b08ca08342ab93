import { z } from "zod";
import type { Table } from "../ports/table.ts";
import { parseRow, updateRow } from "../rows.ts";
import { previousSecretSchema } from "../webhooks/webhook.ts";

/** An account, the owner of all other resources. */
const accountSchema = z.object({
  id: z.string(),
  name: z.string(),
  created_at: z.iso.datetime(),
  /** Signs deliveries to the `webhook` URLs of jobs. */
  webhook_secret: z.string(),
  /** Customer ID at the billing service; if present, charges are reported. */
  billing_customer: z.string().optional(),
  /** The secret before the last rotation, and when it stops signing. */
  previous_webhook_secret: previousSecretSchema.optional(),
  /** Retention of results in days; the default when absent. */
  result_days: z.number().int().positive().optional(),
  /** Limit of its uploads and results in bytes; the default when absent. */
  storage_bytes: z.number().int().positive().optional(),
  /** Maximum number of open jobs. */
  concurrency: z.number().int().positive(),
});
export type Account = z.infer<typeof accountSchema>;

const keyOf = (id: string) => ({ pk: id, sk: "account" });

export async function readAccount(table: Table, id: string): Promise<Account | undefined> {
  const row = await table.get(keyOf(id));
  return row && parseRow(accountSchema, row).data;
}

/** Stores a new account unless the ID exists. */
export async function insertAccount(table: Table, account: Account): Promise<void> {
  await table.insert({ ...keyOf(account.id), data: account });
}

/** Rotates the secret for the `webhook` URLs of jobs; the old secret also signs until the given time. */
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
