import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { z } from "zod";
import type { Clock } from "../ports/clock.ts";
import type { Amendment, NewRow, RowTest, Table, TableKey, TableQuery, TableRow } from "../ports/table.ts";
import { dueIndex } from "./dynamo-table-definition.ts";
import { callService, failureName } from "./service-failure.ts";
import { updateExpression } from "./update-expression.ts";

/** Every due row has this partition key in the index, its time as sort key. */
const duePartition = "due";

const itemSchema = z.object({
  pk: z.string(),
  sk: z.string(),
  version: z.number(),
  data: z.record(z.string(), z.unknown()),
  due_sk: z.string().optional(),
  expires: z.number().optional(),
});

/** The table in DynamoDB. Expired rows that its TTL has not yet removed are not seen. */
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

  insert(row: NewRow): Promise<TableRow | "conflict"> {
    return this.#put(row, 1, "attribute_not_exists(pk) OR expires < :now", { ":now": this.#seconds() });
  }

  replace(row: NewRow, version: number): Promise<TableRow | "conflict"> {
    return this.#put(row, version + 1, "version = :version", { ":version": version });
  }

  async amend(
    { pk, sk }: TableKey,
    amendment: Amendment,
    tests: readonly RowTest[],
  ): Promise<"amended" | "conflict"> {
    const command = new UpdateCommand({
      ...{ TableName: this.#name, Key: { pk, sk } },
      ...updateExpression(amendment, tests, duePartition),
    });
    const result = await this.#unlessRefused(`amend ${pk}`, () => this.#client.send(command));
    return result === "conflict" ? result : "amended";
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
        // More than asked: BETWEEN includes the rows that `after` and `until` name.
        Limit: limit + 2,
        ...(start ? { ExclusiveStartKey: start } : {}),
      });
      const page = await callService(`query ${pk}`, () => this.#client.send(command));
      const found = this.#alive((page.Items ?? []).map(toRow));
      rows.push(...found.filter(({ sk }) => sk !== after && sk !== until));
      start = page.LastEvaluatedKey;
    } while (start && rows.length < limit);
    return rows.slice(0, limit);
  }

  async dueBy(time: string, limit: number): Promise<readonly TableRow[]> {
    const command = new QueryCommand({
      TableName: this.#name,
      IndexName: dueIndex,
      KeyConditionExpression: "due_pk = :due AND due_sk <= :time",
      ExpressionAttributeValues: { ":due": duePartition, ":time": time },
      Limit: limit,
    });
    const { Items } = await callService("query what is due", () => this.#client.send(command));
    return this.#alive((Items ?? []).map(toRow));
  }

  async #put(
    row: NewRow,
    version: number,
    condition: string,
    values: Record<string, unknown>,
  ): Promise<TableRow | "conflict"> {
    const { pk, sk, data, due, expires } = row;
    const command = new PutCommand({
      TableName: this.#name,
      Item: {
        ...{ pk, sk, version, data },
        ...(due === undefined ? {} : { due_pk: duePartition, due_sk: due }),
        ...(expires === undefined ? {} : { expires }),
      },
      ConditionExpression: condition,
      ExpressionAttributeValues: values,
    });
    const result = await this.#unlessRefused(`write ${pk}`, () => this.#client.send(command));
    return result === "conflict" ? result : { ...row, version };
  }

  async #unlessRefused<Result>(what: string, call: () => Promise<Result>): Promise<Result | "conflict"> {
    return callService(what, async () => {
      try {
        return await call();
      } catch (error) {
        if (failureName(error) === "ConditionalCheckFailedException") return "conflict";
        throw error;
      }
    });
  }

  #seconds(): number {
    return Math.floor(this.#clock.now() / 1000);
  }

  #alive(rows: readonly TableRow[]): TableRow[] {
    return rows.filter(({ expires }) => expires === undefined || expires >= this.#seconds());
  }
}

/** A key condition takes one test of the sort key, so a prefix with a bound, or two bounds, are a range with both ends in it. */
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
  return { ...row, ...(due === undefined ? {} : { due }), ...(expires === undefined ? {} : { expires }) };
}
