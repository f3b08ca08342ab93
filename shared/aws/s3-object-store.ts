import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { createPresignedPost } from "@aws-sdk/s3-presigned-post";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { defined } from "../defined.ts";
import type { ObjectStore, StoredObject, UploadForm } from "../ports/object-store.ts";
import { callService, failureName } from "./service-failure.ts";

/** `Content-Disposition` with an ASCII name and the full name (RFC 6266, RFC 8187). */
function attachment(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\]/g, "_");
  // Converting through UTF-8 replaces unpaired surrogates, which encodeURIComponent rejects.
  const encoded = encodeURIComponent(Buffer.from(name).toString()).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}

/** Objects in one S3 bucket. */
export class S3ObjectStore implements ObjectStore {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(client: S3Client, bucket: string) {
    this.#client = client;
    this.#bucket = bucket;
  }

  async presignUpload(upload: Parameters<ObjectStore["presignUpload"]>[0]): Promise<UploadForm> {
    const { key, contentType, maxBytes, expiresInSeconds } = upload;
    const { url, fields } = await createPresignedPost(this.#client, {
      Bucket: this.#bucket,
      Key: key,
      Fields: { "Content-Type": contentType },
      Conditions: [
        ["content-length-range", 1, maxBytes],
        ["eq", "$Content-Type", contentType],
      ],
      Expires: expiresInSeconds,
    });
    return { url, fields };
  }

  presignDownload(key: string, expiresInSeconds: number, saveAs?: string): Promise<string> {
    const command = new GetObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      ...(saveAs === undefined ? {} : { ResponseContentDisposition: attachment(saveAs) }),
    });
    return getSignedUrl(this.#client, command, { expiresIn: expiresInSeconds });
  }

  async put(key: string, bytes: Uint8Array, contentType: string): Promise<void> {
    const command = new PutObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      Body: bytes,
      ContentType: contentType,
      ContentLength: bytes.byteLength,
    });
    await callService(`put ${key}`, () => this.#client.send(command));
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return this.#unlessMissing(`get ${key}`, async () => {
      const { Body } = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key }));
      return Body?.transformToByteArray();
    });
  }

  size(key: string): Promise<number | undefined> {
    return this.#unlessMissing(`get the size of ${key}`, async () => {
      const head = await this.#client.send(new HeadObjectCommand({ Bucket: this.#bucket, Key: key }));
      return head.ContentLength ?? 0;
    });
  }

  async delete(key: string): Promise<void> {
    const command = new DeleteObjectCommand({ Bucket: this.#bucket, Key: key });
    await callService(`delete ${key}`, () => this.#client.send(command));
  }

  async list(prefix: string, limit: number, after?: string): Promise<readonly StoredObject[]> {
    const command = new ListObjectsV2Command({
      Bucket: this.#bucket,
      Prefix: prefix,
      MaxKeys: limit,
      ...defined({ StartAfter: after }),
    });
    const { Contents } = await callService(`list ${prefix}`, () => this.#client.send(command));
    return (Contents ?? []).map(({ Key, Size }) => ({ key: Key!, bytes: Size ?? 0 }));
  }

  #unlessMissing<Result>(what: string, call: () => Promise<Result>): Promise<Result | undefined> {
    return callService(what, async () => {
      try {
        return await call();
      } catch (error) {
        if (["NoSuchKey", "NotFound"].includes(failureName(error) ?? "")) return undefined;
        throw error;
      }
    });
  }
}
