import type { TableRow } from "../../../shared/ports/table.ts";

/** Bytes of a row per write unit. */
const unit = 1024;

/**
 * DynamoDB's charges (developer guide, "DynamoDB read and write operations"): a write costs one unit per KB
 * of the larger of the row before and after, twice that in a transaction, and a failed condition the same.
 * The index of due rows costs one unit for each entry added or removed; it holds only keys, so other changes
 * do not write to it.
 */
export class WriteUnits {
  /** Units of the table and of its index. */
  table = 0;
  index = 0;
  /** Number of rows read, and of calls with a failed condition. */
  reads = 0;
  refusals = 0;
  readonly byKind = new Map<string, number>();

  read(rows: number): void {
    this.reads += Math.max(1, rows);
  }

  refused(units: number): void {
    this.refusals++;
    this.table += units;
  }

  written(former: TableRow | undefined, row: TableRow | undefined, factor: 1 | 2): void {
    const units = factor * Math.ceil(Math.max(sizeOf(former), sizeOf(row), 1) / unit);
    const moves = former?.due === row?.due ? 0 : Number(Boolean(former?.due)) + Number(Boolean(row?.due));
    this.table += units;
    this.index += moves;
    const { pk, sk } = row ?? former ?? { pk: "", sk: "" };
    const kind = kindOf(pk, sk);
    this.byKind.set(kind, (this.byKind.get(kind) ?? 0) + units + moves);
  }
}

function kindOf(pk: string, sk: string): string {
  const [partition = ""] = pk.split("#");
  return pk.includes("#") ? partition : (sk.split("#", 1)[0] ?? "");
}

const sizes = new WeakMap<TableRow, number>();
function sizeOf(row: TableRow | undefined): number {
  if (!row) return 0;
  const size = sizes.get(row) ?? measure(row);
  sizes.set(row, size);
  return size;
}

/** Size of a row by DynamoDB's rules: names and values, and half a byte per digit of numbers. */
function measure(row: TableRow): number {
  const { pk, sk, data, due, expires } = row;
  return (
    "pksk".length +
    Buffer.byteLength(pk) +
    Buffer.byteLength(sk) +
    "version".length +
    2 +
    (due === undefined ? 0 : "due_pkdue_sk".length + "due#edt#0".length + due.length) +
    (expires === undefined ? 0 : "expires".length + 6) +
    "data".length +
    valueSize(data)
  );
}

function valueSize(value: unknown): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (typeof value === "number") return Math.ceil(String(value).length / 2) + 1;
  if (typeof value === "boolean" || value === null) return 1;
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + 1 + valueSize(item), 3);
  if (typeof value === "object")
    return Object.entries(value).reduce(
      (sum, [name, item]) => (item === undefined ? sum : sum + 1 + Buffer.byteLength(name) + valueSize(item)),
      3,
    );
  return 0;
}
