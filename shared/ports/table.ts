/** Key of a row in the table of all state. */
export interface TableKey {
  readonly pk: string;
  readonly sk: string;
}

export interface NewRow extends TableKey {
  readonly data: Readonly<Record<string, unknown>>;
  /** ISO time at which the sweeper handles this row; absent if nothing is left to do. */
  readonly due?: string;
  /** Unix seconds after which the row counts as deleted. */
  readonly expires?: number;
}

export interface TableRow extends NewRow {
  /** 1 on insertion, incremented by each change. */
  readonly version: number;
}

export interface TableQuery {
  /** Prefix of the sort key. */
  readonly prefix?: string;
  /** Exclusive start of the sort keys, in reading direction. */
  readonly after?: string;
  /** Exclusive end of the sort keys, in reading direction. */
  readonly until?: string;
  readonly limit: number;
  readonly newestFirst?: boolean;
}

/** Path in a row's data: field names, outermost first. */
export type Path = readonly string[];

/** A change of parts of a row, which does not conflict with changes of other parts. */
export interface Amendment {
  readonly set?: readonly (readonly [Path, unknown])[];
  /** Increments. */
  readonly add?: readonly (readonly [Path, number])[];
  /** Removing a missing field is not an error. */
  readonly remove?: readonly Path[];
  /** The new due time; unchanged when absent. */
  readonly due?: string;
}

/** Condition for an amendment. */
export type RowTest =
  | { readonly path: Path; readonly is: "absent" | "present" }
  | { readonly path: Path; readonly equals: string | number | boolean }
  | { readonly path: Path; readonly atLeast: number }
  | { readonly path: Path; readonly below: number };

/** A row of the due index. */
export interface DueRow extends TableKey {
  readonly due: string;
}

/** A write of a transaction, with the same condition as the single write. A row to delete must exist. */
export type Write =
  | { readonly insert: NewRow }
  | { readonly replace: NewRow; readonly version: number }
  | { readonly amend: TableKey; readonly amendment: Amendment; readonly tests: readonly RowTest[] }
  | { readonly delete: TableKey };

/** The table of all state. Calls throw RetryableError if it is unreachable or throttles. */
export interface Table {
  /** Strongly consistent. */
  get(key: TableKey): Promise<TableRow | undefined>;
  /** Rows in the order of `keys`; `undefined` for missing ones. Strongly consistent per row. */
  getAll(keys: readonly TableKey[]): Promise<readonly (TableRow | undefined)[]>;
  /** `"conflict"` if the key exists. */
  insert(row: NewRow): Promise<TableRow | "conflict">;
  /** Replaces exactly `version`; `"conflict"` if the row has changed or is missing. */
  replace(row: NewRow, version: number): Promise<TableRow | "conflict">;
  /** Changes parts of a row; `"conflict"` if a test does not hold or the row is missing. */
  amend(key: TableKey, amendment: Amendment, tests: readonly RowTest[]): Promise<"amended" | "conflict">;
  /**
   * With `version`, deletes only that version; `"conflict"` if the row has changed. Deleting a missing row is
   * not an error.
   */
  delete(key: TableKey, version?: number): Promise<"deleted" | "conflict">;
  /**
   * Writes all rows or none; `"conflict"` if a condition does not hold. Each row may occur once; at most 100
   * rows. Repeating it after a lost response is safe only if its conditions prevent a second write.
   */
  transact(writes: readonly Write[]): Promise<"written" | "conflict">;
  /** Atomically increments a counter, initially 0, and returns the new value. */
  add(key: TableKey, amount: number, expires: number): Promise<number>;
  /** Rows in order of the sort key. A page shorter than `limit` is the last. */
  query(pk: string, query: TableQuery): Promise<readonly TableRow[]>;
  /**
   * Rows of a kind (the sort key's prefix before `#`) that are due at an ISO time, longest overdue first.
   * Eventually consistent.
   */
  dueBy(kind: string, time: string, limit: number): Promise<readonly DueRow[]>;
}
