import { z } from "zod";
import { VisibleError } from "../../shared/errors.ts";
import { objectKeys } from "../../shared/object-keys.ts";
import type { ObjectStore } from "../../shared/ports/object-store.ts";
import { manifestLineSchema, maximumLines, type StoredBatch } from "../../shared/resources/batch.ts";

/** One picture of a batch: an upload, or an object that is not one yet. */
export const batchLineSchema = z.object({
  image: z.string().optional(),
  object: z.string().optional(),
  custom_id: z.string().optional(),
});
export type BatchLine = z.infer<typeof batchLineSchema>;

/** @throws VisibleError `invalid_manifest` with the number of the first line that is wrong */
export async function listLines(
  objects: ObjectStore,
  { account, request }: StoredBatch,
): Promise<BatchLine[]> {
  const { images, manifest, prefix } = request;
  if (images) return images.map((image) => ({ image }));
  if (manifest !== undefined) {
    const bytes = await objects.get(objectKeys.input(account, manifest));
    return parseManifest(new TextDecoder().decode(bytes ?? new Uint8Array()));
  }
  const lines: BatchLine[] = [];
  const folder = objectKeys.drop(account, "");
  for (let after: string | undefined; ; ) {
    const page = await objects.list(objectKeys.drop(account, prefix ?? ""), 1000, after);
    lines.push(...page.map(({ key }) => ({ object: key, custom_id: key.slice(folder.length) })));
    requireFew(lines.length);
    if (page.length < 1000) return lines;
    after = page.at(-1)?.key;
  }
}

function parseManifest(text: string): BatchLine[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  requireFew(lines.length);
  return lines.map((line, index) => {
    const parsed = manifestLineSchema.safeParse(parseJson(line));
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    throw new VisibleError(
      "invalid_manifest",
      `Line ${index + 1} of the manifest: ${issue?.path.join(".")} ${issue?.message}`,
    );
  });
}

function requireFew(count: number): void {
  if (count > maximumLines)
    throw new VisibleError("invalid_manifest", `A batch has at most ${maximumLines} lines; make several.`);
}

/** As they were when the batch began, so that a change underneath cannot shift them. */
export async function storeLines(
  objects: ObjectStore,
  { account, id }: StoredBatch,
  lines: readonly BatchLine[],
): Promise<void> {
  const text = lines.map((line) => JSON.stringify(line)).join("\n");
  await objects.put(objectKeys.batchLines(account, id), new TextEncoder().encode(text), "application/jsonl");
}

export async function readLines(objects: ObjectStore, { account, id }: StoredBatch): Promise<BatchLine[]> {
  const bytes = await objects.get(objectKeys.batchLines(account, id));
  const text = new TextDecoder().decode(bytes ?? new Uint8Array());
  return text === "" ? [] : text.split("\n").map((line) => batchLineSchema.parse(JSON.parse(line)));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
