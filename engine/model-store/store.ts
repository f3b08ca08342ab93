import { readdir, rm, rmdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { defined } from "../../shared/defined.ts";
import { VisibleError } from "../errors.ts";
import { type ModelId, parseModelId, showModelId } from "./model-id.ts";
import { type PullRecord, readPullRecord } from "./pulled-model.ts";

/** A model in the store: `root/owner/name` or, with a revision, `root/owner/name@revision`. */
interface StoredModel {
  readonly id: string;
  readonly folder: string;
  /** Size on disk, including partial downloads. */
  readonly bytes: number;
  /** Absent while a pull is incomplete. */
  readonly record?: PullRecord;
}

/** A slash in a revision (refs/pr/1) is escaped. */
export function storedFolder(root: string, { name, revision }: ModelId): string {
  return join(root, revision === undefined ? name : `${name}@${revision.replaceAll("/", "%2F")}`);
}

export async function listStored(root: string): Promise<StoredModel[]> {
  const models: StoredModel[] = [];
  for (const owner of await foldersIn(root))
    for (const name of await foldersIn(join(root, owner))) {
      const folder = join(root, owner, name);
      const record = await readPullRecord(folder);
      models.push({
        id: `${owner}/${name.replaceAll("%2F", "/")}`,
        folder,
        bytes: await bytesIn(folder),
        ...defined({ record }),
      });
    }
  return models;
}

/** @throws VisibleError `model_not_pulled` */
async function findStored(root: string, text: string): Promise<StoredModel> {
  const wanted = showModelId(parseModelId(text));
  const models = await listStored(root);
  const found = models.find(({ id }) => id === wanted);
  if (found) return found;
  const names = models.map(({ id }) => id).join(", ");
  throw new VisibleError(
    "model_not_pulled",
    `Model ${wanted} is not in ${root}${names ? `, which contains ${names}` : ", which is empty"}; pull it with visii models pull ${wanted}.`,
  );
}

/** @returns the bytes freed @throws VisibleError `model_not_pulled` */
export async function removeStored(root: string, text: string): Promise<number> {
  const { folder, bytes } = await findStored(root, text);
  await rm(folder, { recursive: true });
  // Removes the owner's folder if it is empty.
  await rmdir(join(folder, "..")).catch(() => undefined);
  return bytes;
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map(({ name }) => name)
    .sort();
}

async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
