import { z } from "zod";
import { namedUploads } from "../../shared/completed-uploads.ts";
import { VisibleError } from "../../shared/errors.ts";
import { parseJson } from "../../shared/json.ts";
import { objectKeys } from "../../shared/object-keys.ts";
import type { ObjectStore } from "../../shared/ports/object-store.ts";
import type { Table } from "../../shared/ports/table.ts";
import { manifestLineSchema, maxLines, partLines, type StoredBatch } from "../../shared/resources/batch.ts";

/** One image of a batch: an upload, or an object of the bucket that is not an upload yet. */
const batchLineSchema = z.object({
  image: z.string().optional(),
  object: z.string().optional(),
  custom_id: z.string().optional(),
});
export type BatchLine = z.infer<typeof batchLineSchema>;

interface InputPorts {
  readonly objects: ObjectStore;
  readonly table: Table;
}

/**
 * Stores a snapshot of a batch's lines in parts, so that later passes need not read all of them.
 *
 * @returns the number of lines
 * @throws VisibleError `invalid_manifest` with the number of the first invalid line
 */
export async function storeInput(ports: InputPorts, batch: StoredBatch): Promise<number> {
  const { objects } = ports;
  let total = 0;
  let part: string[] = [];
  const store = async () => {
    const key = objectKeys.batchInput(batch.account, batch.id, Math.floor((total - 1) / partLines));
    await objects.put(key, new TextEncoder().encode(part.join("\n")), "application/jsonl");
    part = [];
  };
  for await (const line of linesOf(ports, batch)) {
    if (total === maxLines)
      throw new VisibleError(
        "invalid_manifest",
        `The batch has more than ${maxLines} lines; split it into several batches.`,
      );
    part.push(JSON.stringify(line));
    total++;
    if (part.length === partLines) await store();
  }
  if (part.length) await store();
  return total;
}

/** Reads the lines from `first` to `until`, exclusive. */
export async function readInput(
  objects: ObjectStore,
  { account, id }: StoredBatch,
  first: number,
  until: number,
): Promise<BatchLine[]> {
  const lines: BatchLine[] = [];
  for (let start = first - (first % partLines); start < until; start += partLines) {
    const bytes = await objects.get(objectKeys.batchInput(account, id, start / partLines));
    const texts = new TextDecoder().decode(bytes ?? new Uint8Array()).split("\n");
    for (let line = Math.max(start, first); line < Math.min(start + partLines, until); line++)
      lines.push(batchLineSchema.parse(JSON.parse(texts[line - start] || "{}")));
  }
  return lines;
}

async function* linesOf(
  { objects, table }: InputPorts,
  { account, request, uploads }: StoredBatch,
): AsyncGenerator<BatchLine> {
  const { images, manifest, prefix, upload_prefix } = request;
  if (images) for (const image of images) yield { image };
  else if (upload_prefix !== undefined && uploads) {
    for await (const { upload, name } of namedUploads(table, account, uploads, upload_prefix))
      yield { image: upload, custom_id: name };
  } else if (manifest !== undefined)
    yield* manifestLines((await objects.get(objectKeys.input(account, manifest))) ?? new Uint8Array());
  else yield* droppedObjects(objects, account, prefix ?? "");
}

async function* droppedObjects(
  objects: ObjectStore,
  account: string,
  prefix: string,
): AsyncGenerator<BatchLine> {
  const folder = objectKeys.drop(account, "");
  for (let after: string | undefined; ; ) {
    const page = await objects.list(objectKeys.drop(account, prefix), 1000, after);
    for (const { key } of page) yield { object: key, custom_id: key.slice(folder.length) };
    if (page.length < 1000) return;
    after = page.at(-1)?.key;
  }
}

/** Decodes one line at a time, because a decoded manifest needs several times the memory of its bytes. */
function* manifestLines(bytes: Uint8Array): Generator<BatchLine> {
  const decoder = new TextDecoder();
  for (let start = 0, number = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline < 0 ? bytes.length : newline;
    const text = decoder.decode(bytes.subarray(start, end));
    start = end + 1;
    if (text.trim() === "") continue;
    number++;
    const parsed = manifestLineSchema.safeParse(parseJson(text));
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw new VisibleError(
        "invalid_manifest",
        `Manifest line ${number} is invalid: ${issue?.path.join(".")} ${issue?.message}`,
      );
    }
    yield parsed.data;
  }
}
