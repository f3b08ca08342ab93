import {
  BatchGetCommand,
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { z } from "zod";
import { defined } from "../defined.ts";
import type { Clock } from "../ports/clock.ts";
import type {
  Amendment,
  DueRow,
  NewRow,
  RowTest,
  Table,
  TableKey,
  TableQuery,
  TableRow,
  Write,
} from "../ports/table.ts";
import { dueIndex, duePartitions } from "./dynamo-table-definition.ts";
import { amendInput, insertInput, replaceInput, transactItem } from "./dynamo-writes.ts";
import { callService, failureName } from "./service-failure.ts";
import { unlessCanceled } from "./transaction-conflict.ts";

/** An item that this code did not write becomes a row without data, so that it does not fail the others of a page. */
const itemSchema = z.object({
  pk: z.string(),
  sk: z.string(),
  version: z.number().catch(0),
  data: z.record(z.string(), z.unknown()).catch({}),
  due_sk: z.string().optional(),
  expires: z.number().optional().catch(undefined),
});

const dueItemSchema = z.object({ pk: z.string(), sk: z.string(), due_sk: z.string() });

/** Maximum rows per BatchGetItem. */
const maxRead = 100;
const nameOf = ({ pk, sk }: TableKey): string => `${pk} ${sk}`;

/** The table in DynamoDB. Expired rows that TTL has not removed yet are ignored. */
export class DynamoTable implements Table {
  readonly #client: DynamoDBDocumentClient;
  readonly #name: string;
  readonly #clock: Clock;

  constructor(client: DynamoDBDocumentClient, name: string, clock: Clock) {
    this.#client = client;
    this.#name = name;
    this.#clock = clock;
  }

  async get({ pk, sk }: TableKey): Promise<TableRow | undefined> {
    const command = new GetCommand({ TableName: this.#name, Key: { pk, sk }, ConsistentRead: true });
    const { Item } = await callService(`get ${pk}`, () => this.#client.send(command));
    return Item && this.#alive([toRow(Item)])[0];
  }

  async getAll(keys: readonly TableKey[]): Promise<readonly (TableRow | undefined)[]> {
    const unique = [...new Map(keys.map(({ pk, sk }) => [nameOf({ pk, sk }), { pk, sk }])).values()];
    const pages = Array.from({ length: Math.ceil(unique.length / maxRead) }, (_, page) =>
      unique.slice(page * maxRead, (page + 1) * maxRead),
    );
    const rows = await Promise.all(pages.map((page) => this.#readAll(page)));
    const found = new Map(rows.flat().map((row) => [nameOf(row), row]));
    return keys.map((key) => found.get(nameOf(key)));
  }

  async #readAll(keys: readonly TableKey[]): Promise<readonly TableRow[]> {
    const rows: TableRow[] = [];
    let open: Record<string, unknown>[] = keys.map((key) => ({ ...key }));
    for (let attempt = 0; open.length; attempt++) {
      if (attempt) await this.#clock.sleep(Math.min(1000, 25 * 2 ** attempt));
      const request = { RequestItems: { [this.#name]: { Keys: open, ConsistentRead: true } } };
      const { Responses, UnprocessedKeys } = await callService(`get ${keys.length} rows`, () =>
        this.#client.send(new BatchGetCommand(request)),
      );
      rows.push(...this.#alive((Responses?.[this.#name] ?? []).map(toRow)));
      // DynamoDB omits rows beyond 16 MB and throttled ones.
      open = UnprocessedKeys?.[this.#name]?.Keys ?? [];
    }
    return rows;
  }

  async insert(row: NewRow): Promise<TableRow | "conflict"> {
    return this.#put(row, 1, insertInput(this.#name, row, this.#seconds()));
  }

  async replace(row: NewRow, version: number): Promise<TableRow | "conflict"> {
    return this.#put(row, version + 1, replaceInput(this.#name, row, version));
  }

  async amend(
    key: TableKey,
    amendment: Amendment,
    tests: readonly RowTest[],
  ): Promise<"amended" | "conflict"> {
    const command = new UpdateCommand(amendInput(this.#name, key, amendment, tests));
    const result = await this.#unlessRefused(`amend ${key.pk}`, () => this.#client.send(command));
    return result === "conflict" ? result : "amended";
  }

  async transact(writes: readonly Write[]): Promise<"written" | "conflict"> {
    const now = this.#seconds();
    const items = writes.map((write) => transactItem(this.#name, write, now));
    const result = await callService(`transact ${writes.length} rows`, () =>
      // Each attempt creates a new command, because DynamoDB repeats the first response to a command's token.
      unlessCanceled(this.#clock, () =>
        this.#client.send(new TransactWriteCommand({ TransactItems: items })),
      ),
    );
    return result === "conflict" ? result : "written";
  }

  async delete({ pk, sk }: TableKey, version?: number): Promise<"deleted" | "conflict"> {
    const command = new DeleteCommand({
      TableName: this.#name,
      Key: { pk, sk },
      ...(version === undefined
        ? {}
        : { ConditionExpression: "version = :version", ExpressionAttributeValues: { ":version": version } }),
    });
    const result = await this.#unlessRefused(`delete ${pk}`, () => this.#client.send(command));
    return result === "conflict" ? result : "deleted";
  }

  async add({ pk, sk }: TableKey, amount: number, expires: number): Promise<number> {
    const command = new UpdateCommand({
      TableName: this.#name,
      Key: { pk, sk },
      UpdateExpression: "ADD amount :amount SET expires = :expires",
      ExpressionAttributeValues: { ":amount": amount, ":expires": expires },
      ReturnValues: "UPDATED_NEW",
    });
    const { Attributes } = await callService(`add to ${pk}`, () => this.#client.send(command));
    return z.object({ amount: z.number() }).parse(Attributes).amount;
  }

  async query(
    pk: string,
    { prefix, after, until, limit, newestFirst }: TableQuery,
  ): Promise<readonly TableRow[]> {
    const { range, values } = sortKeyRange(prefix, newestFirst ? until : after, newestFirst ? after : until);
    const rows: TableRow[] = [];
    let start: Record<string, unknown> | undefined;
    do {
      const command = new QueryCommand({
        TableName: this.#name,
        KeyConditionExpression: range ? `pk = :pk AND ${range}` : "pk = :pk",
        ExpressionAttributeValues: { ":pk": pk, ...values },
        ConsistentRead: true,
        ScanIndexForward: !newestFirst,
        // Two more than requested, because BETWEEN includes `after` and `until`.
        Limit: limit + 2,
        ...defined({ ExclusiveStartKey: start }),
      });
      const page = await callService(`query ${pk}`, () => this.#client.send(command));
      const found = this.#alive((page.Items ?? []).map(toRow));
      rows.push(...found.filter(({ sk }) => sk !== after && sk !== until));
      start = page.LastEvaluatedKey;
    } while (start && rows.length < limit);
    return rows.slice(0, limit);
  }

  async dueBy(kind: string, time: string, limit: number): Promise<readonly DueRow[]> {
    const pages = await Promise.all(
      duePartitions(kind).map((partition) => {
        const command = new QueryCommand({
          TableName: this.#name,
          IndexName: dueIndex,
          KeyConditionExpression: "due_pk = :due AND due_sk <= :time",
          ExpressionAttributeValues: { ":due": partition, ":time": time },
          Limit: limit,
        });
        return callService(`query due rows of ${kind}`, () => this.#client.send(command));
      }),
    );
    return pages
      .flatMap(({ Items = [] }) => Items.map((item) => dueItemSchema.parse(item)))
      .map(({ pk, sk, due_sk: due }) => ({ pk, sk, due }))
      .sort((a, b) => (a.due < b.due ? -1 : 1))
      .slice(0, limit);
  }

  async #put(row: NewRow, version: number, input: PutCommand["input"]): Promise<TableRow | "conflict"> {
    const command = new PutCommand(input);
    const result = await this.#unlessRefused(`write ${row.pk}`, () => this.#client.send(command));
    return result === "conflict" ? result : { ...row, version };
  }

  async #unlessRefused<Result>(what: string, call: () => Promise<Result>): Promise<Result | "conflict"> {
    return callService(what, () =>
      unlessCanceled(this.#clock, async () => {
        try {
          return await call();
        } catch (error) {
          if (failureName(error) === "ConditionalCheckFailedException") return "conflict";
          throw error;
        }
      }),
    );
  }

  #seconds(): number {
    return Math.floor(this.#clock.now() / 1000);
  }

  #alive(rows: readonly TableRow[]): TableRow[] {
    return rows.filter(({ expires }) => expires === undefined || expires >= this.#seconds());
  }
}

/**
 * A key condition allows one test of the sort key. A prefix with a bound, or two bounds, therefore become an
 * inclusive range.
 */
function sortKeyRange(prefix: string | undefined, above: string | undefined, below: string | undefined) {
  if (above === undefined && below === undefined)
    return prefix === undefined
      ? { values: {} }
      : { range: "begins_with(sk, :prefix)", values: { ":prefix": prefix } };
  const low = above ?? prefix;
  const high = below ?? (prefix === undefined ? undefined : `${prefix}\uffff`);
  if (low === undefined) return { range: "sk < :high", values: { ":high": high } };
  if (high === undefined) return { range: "sk > :low", values: { ":low": low } };
  return { range: "sk BETWEEN :low AND :high", values: { ":low": low, ":high": high } };
}

function toRow(item: Record<string, unknown>): TableRow {
  const { due_sk: due, expires, ...row } = itemSchema.parse(item);
  return { ...row, ...defined({ due, expires }) };
}
