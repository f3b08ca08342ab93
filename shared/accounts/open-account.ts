import { defined } from "../defined.ts";
import { createId } from "../ids.ts";
import { Ledger } from "../ledger/ledger.ts";
import { type Clock, type RandomBytes, toIso } from "../ports/clock.ts";
import type { Table } from "../ports/table.ts";
import { createSecret } from "../webhooks/signing.ts";
import { type Account, insertAccount } from "./account.ts";
import { type Environment, type Scope, scopes } from "./api-key.ts";
import { KeyStore } from "./key-store.ts";

interface Opening {
  readonly name: string;
  readonly environment: Environment;
  /** Initial balance, in millionths of a US dollar. */
  readonly credits: number;
  /** Maximum number of open jobs. */
  readonly concurrency: number;
  readonly billingCustomer?: string;
  readonly resultDays?: number;
  readonly storageBytes?: number;
  /** Scopes of the first key. Default: all. */
  readonly scopes?: readonly Scope[];
}

/** Creates an account with an initial balance and a first key, whose secret cannot be read again. */
export async function openAccount(
  { table, clock, random }: { readonly table: Table; readonly clock: Clock; readonly random: RandomBytes },
  opening: Opening,
): Promise<{ readonly account: Account; readonly secret: string }> {
  const { name, environment, credits, concurrency, billingCustomer, resultDays, storageBytes } = opening;
  const now = clock.now();
  const account: Account = {
    id: createId("account", now, random(10)),
    name,
    concurrency,
    created_at: toIso(now),
    webhook_secret: createSecret(random(24)),
    ...defined({ billing_customer: billingCustomer, result_days: resultDays, storage_bytes: storageBytes }),
  };
  await insertAccount(table, account);
  await new Ledger(table, clock).open(account.id, credits);
  const wanted = { scopes: opening.scopes ?? scopes };
  const { secret } = await new KeyStore(table, clock, random).create(account.id, environment, wanted);
  return { account, secret };
}
