import { defined } from "../../../shared/defined.ts";
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
} from "../../../shared/ports/table.ts";
import { amended, holds } from "./amended-data.ts";
import { SortedKeys } from "./sorted-keys.ts";
import { WriteUnits } from "./write-units.ts";

/**
 * The table port on in-memory maps. It keeps the table's contract and counts DynamoDB's charges. With an
 * emulator's HTTP interface, a hundred thousand lines take hours of CPU time.
 */
export class MemoryTable implements Table {
  readonly units = new WriteUnits();
  readonly #now: () => number;
  readonly #rows = new Map<string, TableRow>();
  readonly #partitions = new Map<string, SortedKeys>();
  readonly #due = new Map<string, SortedKeys>();

  /** @param now milliseconds since 1970 */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  async get(key: TableKey): Promise<TableRow | undefined> {
    this.units.read(1);
    return this.#read(key);
  }

  async getAll(keys: readonly TableKey[]): Promise<readonly (TableRow | undefined)[]> {
    this.units.read(keys.length);
    return keys.map((key) => this.#read(key));
  }

  async insert(row: NewRow): Promise<TableRow | "conflict"> {
    return this.#single({ insert: row }) ?? this.#stored(row);
  }

  async replace(row: NewRow, version: number): Promise<TableRow | "conflict"> {
    return this.#single({ replace: row, version }) ?? this.#stored(row);
  }

  async amend(
    key: TableKey,
    amendment: Amendment,
    tests: readonly RowTest[],
  ): Promise<"amended" | "conflict"> {
    return this.#single({ amend: key, amendment, tests }) ?? "amended";
  }

  async delete(key: TableKey, version?: number): Promise<"deleted" | "conflict"> {
    const row = this.#read(key);
    if (row && version !== undefined && row.version !== version) return "conflict";
    if (row) this.#put(key, undefined, 1);
    return "deleted";
  }

  async transact(writes: readonly Write[]): Promise<"written" | "conflict"> {
    if (!writes.every((write) => this.#allows(write))) {
      this.units.refused(writes.length * 2);
      return "conflict";
    }
    for (const write of writes) this.#apply(write, 2);
    return "written";
  }

  async add(key: TableKey, amount: number, expires: number): Promise<number> {
    const row = this.#read(key);
    const sum = Number(row?.data.amount ?? 0) + amount;
    this.#put(key, { ...key, data: { amount: sum }, version: 1, expires }, 1);
    return sum;
  }

  async query(
    pk: string,
    { prefix = "", after, until, limit, newestFirst }: TableQuery,
  ): Promise<readonly TableRow[]> {
    const [low, high] = newestFirst ? [until, after] : [after, until];
    const keys = this.#partitions.get(pk)?.between(prefix, low, high) ?? [];
    const rows: TableRow[] = [];
    for (const sk of newestFirst ? keys.toReversed() : keys) {
      const row = this.#read({ pk, sk });
      if (row) rows.push(row);
      if (rows.length === limit) break;
    }
    this.units.read(rows.length);
    return rows;
  }

  async dueBy(kind: string, time: string, limit: number): Promise<readonly DueRow[]> {
    const names = this.#due.get(kind)?.between("", undefined, `${time}~`) ?? [];
    const found: DueRow[] = [];
    for (const name of names.slice(0, limit)) {
      const [due = "", pk = "", sk = ""] = name.split("|");
      found.push({ pk, sk, due });
    }
    this.units.read(1);
    return found;
  }

  #stored({ pk, sk }: TableKey): TableRow {
    const row = this.#rows.get(nameOf({ pk, sk }));
    if (!row) throw new Error(`the row ${pk} ${sk} was not written`);
    return row;
  }

  #single(write: Write): "conflict" | undefined {
    if (!this.#allows(write)) {
      this.units.refused(1);
      return "conflict";
    }
    this.#apply(write, 1);
    return undefined;
  }

  #read(key: TableKey): TableRow | undefined {
    const row = this.#rows.get(nameOf(key));
    return row?.expires !== undefined && row.expires < Math.floor(this.#now() / 1000) ? undefined : row;
  }

  #allows(write: Write): boolean {
    if ("insert" in write) return !this.#read(write.insert);
    if ("replace" in write) return this.#rows.get(nameOf(write.replace))?.version === write.version;
    const row = this.#rows.get(nameOf("amend" in write ? write.amend : write.delete));
    return row !== undefined && (!("amend" in write) || write.tests.every((test) => holds(row.data, test)));
  }

  /** @param factor units per write: 2 in a transaction */
  #apply(write: Write, factor: 1 | 2): void {
    if ("insert" in write) this.#put(write.insert, { ...write.insert, version: 1 }, factor);
    else if ("replace" in write)
      this.#put(write.replace, { ...write.replace, version: write.version + 1 }, factor);
    else if ("amend" in write) {
      const { amend, amendment } = write;
      const row = this.#stored(amend);
      const due = amendment.due ?? row.due;
      const data = amended(row.data, amendment);
      const next = { ...row, data, version: row.version + 1, ...defined({ due }) };
      this.#put(amend, next, factor);
    } else this.#put(write.delete, undefined, factor);
  }

  #put({ pk, sk }: TableKey, row: TableRow | undefined, factor: 1 | 2): void {
    const name = nameOf({ pk, sk });
    const former = this.#rows.get(name);
    this.units.written(former, row, factor);
    const kind = sk.split("#", 1)[0] ?? "";
    if (former?.due !== undefined && former.due !== row?.due)
      sorted(this.#due, kind).delete(`${former.due}|${pk}|${sk}`);
    if (row?.due !== undefined && former?.due !== row.due)
      sorted(this.#due, kind).add(`${row.due}|${pk}|${sk}`);
    if (row) this.#rows.set(name, row);
    else this.#rows.delete(name);
    if (row && !former) sorted(this.#partitions, pk).add(sk);
    if (!row && former) sorted(this.#partitions, pk).delete(sk);
  }
}

const nameOf = ({ pk, sk }: TableKey): string => `${pk}|${sk}`;

function sorted(map: Map<string, SortedKeys>, name: string): SortedKeys {
  const known = map.get(name) ?? new SortedKeys();
  map.set(name, known);
  return known;
}
