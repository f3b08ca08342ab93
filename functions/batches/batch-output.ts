import { objectKeys } from "../../shared/object-keys.ts";
import type { ObjectStore } from "../../shared/ports/object-store.ts";
import type { Table } from "../../shared/ports/table.ts";
import {
  partLines,
  type StoredBatch,
  type StoredLine,
  storedLineSchema,
} from "../../shared/resources/batch.ts";
import { parseRow, rowKeys } from "../../shared/rows.ts";
import { readInput } from "./batch-input.ts";

interface OutputPorts {
  readonly table: Table;
  readonly objects: ObjectStore;
}

/**
 * Writes the next part of the output once all of its lines, or all lines of the batch, have ended. Writing a
 * part again gives the same object.
 *
 * @param last the line after the batch's last one
 */
export async function writeOutput(
  ports: OutputPorts,
  batch: StoredBatch,
  last: number,
): Promise<StoredBatch> {
  const { account, id, written, settled } = batch;
  const until = Math.min(written + partLines, last);
  if (settled < until || until === written) return batch;
  const lines = await endedLines(ports, batch, written, until);
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  const key = objectKeys.batchOutput(account, id, Math.floor(written / partLines));
  await ports.objects.put(key, new TextEncoder().encode(text), "application/jsonl");
  return { ...batch, written: until };
}

/**
 * Reads all counted lines from `first`, one part at a time, from objects if written and from rows otherwise.
 */
export async function* readOutput(
  ports: OutputPorts,
  batch: StoredBatch,
  first: number,
): AsyncGenerator<readonly StoredLine[]> {
  const { account, id, written, settled } = batch;
  for (let start = first - (first % partLines); start < settled; start += partLines) {
    const until = Math.min(start + partLines, settled);
    const lines =
      until <= written
        ? await readPart(ports.objects, objectKeys.batchOutput(account, id, start / partLines))
        : await endedLines(ports, batch, start, until);
    yield lines.filter(({ line }) => line >= first);
  }
}

async function readPart(objects: ObjectStore, key: string): Promise<readonly StoredLine[]> {
  const bytes = await objects.get(key);
  return new TextDecoder()
    .decode(bytes ?? new Uint8Array())
    .split("\n")
    .filter((text) => text !== "")
    .map((text) => storedLineSchema.parse(JSON.parse(text)));
}

async function endedLines(
  { table, objects }: OutputPorts,
  batch: StoredBatch,
  first: number,
  until: number,
): Promise<StoredLine[]> {
  const { pk } = rowKeys.batchLine(batch.id, 0);
  const [sources, rows] = await Promise.all([
    readInput(objects, batch, first, until),
    table.query(pk, {
      limit: until - first,
      until: rowKeys.batchLine(batch.id, until).sk,
      ...(first > 0 ? { after: rowKeys.batchLine(batch.id, first - 1).sk } : {}),
    }),
  ]);
  return rows.map((row) => {
    const line = parseRow(storedLineSchema, row).data;
    const custom_id = sources[line.line - first]?.custom_id;
    return custom_id === undefined ? line : { ...line, custom_id };
  });
}
