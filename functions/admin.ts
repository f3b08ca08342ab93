/**
 * `npm run admin`: manages accounts and credit, which API keys cannot do. It uses the table
 * VISII_TABLE.
 */
import { parseArgs } from "node:util";
import { z } from "zod";
import { readAccount } from "../shared/accounts/account.ts";
import { environments, scopes } from "../shared/accounts/api-key.ts";
import { KeyStore } from "../shared/accounts/key-store.ts";
import { openAccount } from "../shared/accounts/open-account.ts";
import { awsConfigSchema } from "../shared/aws/aws-config.ts";
import { createAwsClients } from "../shared/aws/clients.ts";
import { DynamoTable } from "../shared/aws/dynamo-table.ts";
import { S3ObjectStore } from "../shared/aws/s3-object-store.ts";
import { defined } from "../shared/defined.ts";
import { eraseAccount } from "../shared/erasure/erase-account.ts";
import { VisibleError } from "../shared/errors.ts";
import { Ledger } from "../shared/ledger/ledger.ts";
import { lifetimes } from "../shared/object-keys.ts";
import { prices } from "../shared/prices.ts";
import { systemClock as clock, systemRandom as random } from "../shared/system-clock.ts";

const usage = `Usage: npm run admin -- COMMAND [options]        with AWS_REGION and VISII_TABLE in the environment

  create-account --name NAME [--credits N] [--concurrency N] [--environment live|test] [--billing-customer cus_…]
                 [--result-days N] [--storage-gb N]
  create-key     --account acc_… [--name NAME] [--environment live|test]
  grant          --account acc_… --credits N --reference TEXT      idempotent per reference
  erase-account  --account acc_…       erases all but the ledger and balance; requires VISII_BUCKET; idempotent

A credit is a millionth of a US dollar. A key's secret is printed once.
`;

const positive = z.coerce.number().int().positive();
const environment = z.enum(environments).default("live");
const account = z.string().regex(/^acc_[0-9a-z]{26}$/, "must be an ID like acc_…");
const commands = {
  "create-account": z.strictObject({
    name: z.string().min(1),
    credits: z.coerce.number().int().nonnegative().default(prices.welcome),
    concurrency: positive.default(100),
    environment,
    "billing-customer": z.string().startsWith("cus_").optional(),
    "storage-gb": positive.optional(),
    "result-days": positive.max(lifetimes.longestResult / 86_400).optional(),
  }),
  "create-key": z.strictObject({ account, name: z.string().optional(), environment }),
  "erase-account": z.strictObject({ account }),
  grant: z.strictObject({ account, credits: positive, reference: z.string().min(1).max(200) }),
} as const;

const tableSchema = awsConfigSchema.pick({ AWS_REGION: true, VISII_TABLE: true, VISII_TABLE_ENDPOINT: true });
const storeSchema = awsConfigSchema.pick({ VISII_BUCKET: true, VISII_STORE_ENDPOINT: true });

async function run(words: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const option = { type: "string" } as const;
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      name: option,
      credits: option,
      concurrency: option,
      environment: option,
      account: option,
      reference: option,
      "billing-customer": option,
      "result-days": option,
      "storage-gb": option,
    },
  });
  const [command, ...rest] = positionals;
  if (command === undefined || !(command in commands) || rest.length) throw new VisibleError("usage", usage);
  const target = check(tableSchema, process.env, "the variable ");
  const store = command === "erase-account" ? check(storeSchema, process.env, "the variable ") : undefined;
  const clients = createAwsClients({
    region: target.AWS_REGION,
    ...defined({ storeEndpoint: store?.VISII_STORE_ENDPOINT, tableEndpoint: target.VISII_TABLE_ENDPOINT }),
  });
  const table = new DynamoTable(clients.dynamo, target.VISII_TABLE, clock);
  const requireAccount = async (id: string) => {
    if (!(await readAccount(table, id)))
      throw new VisibleError("not_found", `Account ${id} not found in ${target.VISII_TABLE}.`);
  };
  try {
    switch (command) {
      case "create-account": {
        const { name, environment, credits, concurrency, ...plan } = check(commands[command], values, "--");
        const opened = await openAccount(
          { table, clock, random },
          {
            name,
            environment,
            credits,
            concurrency,
            ...(plan["billing-customer"] === undefined ? {} : { billingCustomer: plan["billing-customer"] }),
            ...(plan["result-days"] === undefined ? {} : { resultDays: plan["result-days"] }),
            ...(plan["storage-gb"] === undefined ? {} : { storageBytes: plan["storage-gb"] * 1e9 }),
          },
        );
        return { account: opened.account.id, key: opened.secret };
      }
      case "create-key": {
        const { account, name, environment } = check(commands[command], values, "--");
        await requireAccount(account);
        const wanted = { scopes, ...defined({ name }) };
        const { key, secret } = await new KeyStore(table, clock, random).create(account, environment, wanted);
        return { id: key.id, key: secret };
      }
      case "grant": {
        const { account, credits, reference } = check(commands[command], values, "--");
        await requireAccount(account);
        return { available: await new Ledger(table, clock).grant(account, reference, credits) };
      }
      case "erase-account": {
        const { account } = check(commands[command], values, "--");
        const objects = new S3ObjectStore(clients.s3, store?.VISII_BUCKET ?? "");
        await eraseAccount({ table, objects }, account);
        return { erased: account };
      }
      default:
        throw new VisibleError("usage", usage);
    }
  } finally {
    clients.destroy();
  }
}

/** @throws VisibleError that names the missing or invalid option */
function check<Schema extends z.ZodType>(schema: Schema, value: unknown, prefix: string): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${prefix}${path.join(".")}: ${message}`);
  throw new VisibleError("usage", `${problems.join("\n")}\n\n${usage}`);
}

try {
  process.stdout.write(`${JSON.stringify(await run(process.argv.slice(2)))}\n`);
} catch (error) {
  const isUsageError = error instanceof VisibleError || error instanceof TypeError;
  process.stderr.write(`${isUsageError ? error.message : String(error)}\n`);
  process.exitCode = isUsageError ? 2 : 1;
}
