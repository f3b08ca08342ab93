/** One table for all state. A row whose `due` time has passed is the sweeper's to look at. */
export interface TableKey {
  readonly pk: string;
  readonly sk: string;
}

export interface NewRow extends TableKey {
  readonly data: Readonly<Record<string, unknown>>;
  /** ISO time at which the sweeper shall look at this row; absent when nothing is open. */
  readonly due?: string;
  /** Unix seconds after which the row is as good as gone. */
  readonly expires?: number;
}

export interface TableRow extends NewRow {
  /** 1 when inserted, one more with every replacement. */
  readonly version: number;
}

export interface TableQuery {
  /** Of the sort key. */
  readonly prefix?: string;
  /** Sort keys strictly beyond this one, in the direction of reading. */
  readonly after?: string;
  /** Where reading ends: with the last sort key before this one, in the direction of reading. */
  readonly until?: string;
  readonly limit: number;
  readonly newestFirst?: boolean;
}

/** Where in a row's data: names of fields, from the outside in. */
export type Path = readonly string[];

/** A change of parts of a row where it stands: writers of different parts do not get in each other's way. */
export interface Amendment {
  readonly set?: readonly (readonly [Path, unknown])[];
  /** Numbers to add to numbers. */
  readonly add?: readonly (readonly [Path, number])[];
  /** One that is not there is no error. */
  readonly remove?: readonly Path[];
  /** The new due time; the old one stays when absent. */
  readonly due?: string;
}

/** What must hold of a row for it to be amended. */
export type RowTest =
  | { readonly path: Path; readonly is: "absent" | "present" }
  | { readonly path: Path; readonly equals: string | number | boolean }
  | { readonly path: Path; readonly atLeast: number }
  | { readonly path: Path; readonly below: number };

/** A row of the due index. */
export interface DueRow extends TableKey {
  readonly due: string;
}

/** One write of a transaction, under the condition that the single write has. A row to delete must be there. */
export type Write =
  | { readonly insert: NewRow }
  | { readonly replace: NewRow; readonly version: number }
  | { readonly amend: TableKey; readonly amendment: Amendment; readonly tests: readonly RowTest[] }
  | { readonly delete: TableKey };

/** Calls throw RetryableError when the table is out of reach or throttles. */
export interface Table {
  /** Consistent: it sees every write that was acknowledged. */
  get(key: TableKey): Promise<TableRow | undefined>;
  /** Several rows, in the order of their keys, `undefined` for one that is not there. Consistent row by row. */
  getAll(keys: readonly TableKey[]): Promise<readonly (TableRow | undefined)[]>;
  /** `"conflict"` when a row of that key is there. */
  insert(row: NewRow): Promise<TableRow | "conflict">;
  /** Writes over exactly `version`; `"conflict"` when the row has moved on or is gone. */
  replace(row: NewRow, version: number): Promise<TableRow | "conflict">;
  /** Changes parts of a row, one version on; `"conflict"` when a test does not hold or the row is gone. */
  amend(key: TableKey, amendment: Amendment, tests: readonly RowTest[]): Promise<"amended" | "conflict">;
  /** With a version only exactly that one; `"conflict"` when it has moved on. A row that is not there is no error. */
  delete(key: TableKey, version?: number): Promise<"deleted" | "conflict">;
  /**
   * Writes all or nothing; `"conflict"` when one condition does not hold. Each row once, 100 at most. Repeating it after a
   * lost answer is safe as far as its conditions make it so.
   */
  transact(writes: readonly Write[]): Promise<"written" | "conflict">;
  /** Adds to a counter that begins at 0, atomically, and returns the sum. */
  add(key: TableKey, amount: number, expires: number): Promise<number>;
  /** In order of the sort key. A page shorter than `limit` is the last. */
  query(pk: string, query: TableQuery): Promise<readonly TableRow[]>;
  /**
   * Rows of a kind that are due at or before an ISO time, the longest overdue first. A row's kind is the part of its sort key before
   * `#`. May lag behind writes by a moment.
   */
  dueBy(kind: string, time: string, limit: number): Promise<readonly DueRow[]>;
}
