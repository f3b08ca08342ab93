import { createReadStream } from "node:fs";
import {
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { VisibleError } from "../errors.ts";
import { sha256OfFile } from "../file-hash.ts";
import { type ModelFile, type ModelManifest, manifestName, modelManifestSchema } from "../model-manifest.ts";
import { callService, failureName } from "./service-failure.ts";

/** Location of a published model. */
export interface ModelPlace {
  readonly s3: S3Client;
  readonly bucket: string;
  /** Without a trailing slash: `models/instruct-pix2pix/1`. */
  readonly prefix: string;
}

/** Bytes per request, and number of concurrent requests. One connection does not use the whole bandwidth. */
const part = 32 * 2 ** 20;
const connections = 8;
const sentPart = 8 * 2 ** 20;

/**
 * Uploads a folder's files and finally the manifest. A prefix with a manifest is refused, because workers
 * cache models by name.
 *
 * @param onFile called before each file is uploaded
 */
export async function publishModel(
  place: ModelPlace,
  folder: string,
  onFile: (file: ModelFile) => void = () => undefined,
): Promise<ModelManifest> {
  const { s3, bucket, prefix } = place;
  const key = `${prefix}/${manifestName}`;
  if (await readManifest(place))
    throw new VisibleError(
      "already_published",
      `${prefix} is already published and machines may have cached it; use another name.`,
    );
  const files: ModelFile[] = [];
  for (const path of await listFiles(folder)) {
    const name = relative(folder, path).split(sep).join("/");
    const { size: bytes } = await stat(path);
    files.push({ path: name, bytes, sha256: await sha256OfFile(path) });
  }
  const manifest = modelManifestSchema.safeParse({ version: 1, files });
  if (!manifest.success)
    throw new VisibleError(
      "bad_model_folder",
      `${folder} cannot be published: ${manifest.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`).join("; ")}.`,
    );
  for (const file of files) {
    onFile(file);
    await callService(`put ${prefix}/${file.path}`, () =>
      new Upload({
        client: s3,
        // S3 allows at most 10,000 parts.
        partSize: Math.max(sentPart, Math.ceil(file.bytes / 9000)),
        params: {
          Bucket: bucket,
          Key: `${prefix}/${file.path}`,
          Body: createReadStream(join(folder, file.path)),
        },
      }).done(),
    );
  }
  const Body = JSON.stringify(manifest.data, null, 1);
  await callService(`put ${key}`, () =>
    s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body, ContentType: "application/json" })),
  );
  return manifest.data;
}

/** Result of fetching a model. */
interface Fetched {
  readonly files: number;
  /** Downloaded bytes; 0 if everything was on disk. */
  readonly bytes: number;
}

/**
 * Downloads a published model into a folder and verifies it. Existing files are not verified again if the
 * folder's copy of the manifest, which is written last, equals the published one and their sizes match.
 *
 * @throws VisibleError if the model is not published or a file does not match its checksum
 */
export async function fetchModel(place: ModelPlace, folder: string): Promise<Fetched> {
  const manifest = await readManifest(place);
  if (!manifest)
    throw new VisibleError(
      "no_such_model",
      `Model ${place.prefix} not found in bucket ${place.bucket}; publish it under that name.`,
    );
  const marker = join(folder, manifestName);
  const text = JSON.stringify(manifest);
  const known = (await readFile(marker, "utf8").catch(() => undefined)) === text;
  let bytes = 0;
  if (!known) await rm(marker, { force: true });
  for (const file of manifest.files) {
    const path = join(folder, file.path);
    const size = await stat(path).then(
      (found) => found.size,
      () => undefined,
    );
    if (size === file.bytes && (known || (await sha256OfFile(path)) === file.sha256)) continue;
    await fetchFile(place, file, path);
    bytes += file.bytes;
  }
  if (!known) await writeFile(marker, text);
  return { files: manifest.files.length, bytes };
}

async function readManifest({ s3, bucket, prefix }: ModelPlace): Promise<ModelManifest | undefined> {
  const Key = `${prefix}/${manifestName}`;
  try {
    const { Body } = await callService(`get ${Key}`, () =>
      s3.send(new GetObjectCommand({ Bucket: bucket, Key })),
    );
    return modelManifestSchema.parse(JSON.parse((await Body?.transformToString()) ?? ""));
  } catch (error) {
    if (failureName(error) === "NoSuchKey") return undefined;
    throw error;
  }
}

async function fetchFile(place: ModelPlace, file: ModelFile, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const unfinished = `${path}.part`;
  const handle = await open(unfinished, "w");
  try {
    await fillFile(place, file, handle);
  } finally {
    await handle.close();
  }
  const sha256 = await sha256OfFile(unfinished);
  if (sha256 !== file.sha256) {
    await rm(unfinished, { force: true });
    throw new VisibleError(
      "wrong_checksum",
      `${place.prefix}/${file.path} has SHA-256 ${sha256}, but the manifest has ${file.sha256}; publish the model again under another name.`,
    );
  }
  await rename(unfinished, path);
}

async function fillFile(
  { s3, bucket, prefix }: ModelPlace,
  file: ModelFile,
  handle: FileHandle,
): Promise<void> {
  const Key = `${prefix}/${file.path}`;
  let next = 0;
  const fill = async () => {
    for (let from = next; from < file.bytes; from = next) {
      next = Math.min(file.bytes, from + part);
      const Range = `bytes=${from}-${next - 1}`;
      const bytes = await callService(`get ${Key}`, async () => {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key, Range }));
        return Body?.transformToByteArray();
      });
      await handle.write(bytes ?? new Uint8Array(), 0, undefined, from);
    }
  };
  await Promise.all(Array.from({ length: connections }, fill));
}

/** All files below the folder, sorted by name, without hidden files and an earlier manifest. */
async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((cause: unknown) => {
    throw new VisibleError(
      "bad_model_folder",
      `Folder ${folder} cannot be read; check its path and permissions.`,
      { cause },
    );
  });
  return entries
    .filter((entry) => entry.isFile() && entry.name !== manifestName)
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(
      (path) =>
        !relative(folder, path)
          .split(sep)
          .some((name) => name.startsWith(".")),
    )
    .sort();
}
