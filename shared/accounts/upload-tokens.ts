import { LRUCache } from "lru-cache";
import { z } from "zod";
import { defined } from "../defined.ts";
import { VisibleError } from "../errors.ts";
import { type Clock, type RandomBytes, toIso } from "../ports/clock.ts";
import type { RowTest, Table } from "../ports/table.ts";
import {
  type createUploadTokenSchema,
  expiresIn,
  type StoredUploadToken,
  storedUploadTokenSchema,
} from "../resources/upload-token.ts";
import { parseRow, rowKeys } from "../rows.ts";
import {
  createKeySecret,
  hashKeySecret,
  isUploadToken,
  keySecretBytes,
  type StoredKey,
  sameHash,
  storedKeySchema,
} from "./api-key.ts";

const pointerSchema = z.object({ account: z.string(), id: z.string() });
/** Milliseconds for which this process remembers that a token existed. */
const existenceMemory = 3_600_000;

/**
 * Upload tokens: short-lived secrets that can only create and complete uploads. The row under the hash
 * points to the row under the account, which counts the token's uploads.
 */
export class UploadTokens {
  readonly #table: Table;
  readonly #clock: Clock;
  readonly #random: RandomBytes;
  readonly #existed: LRUCache<string, true>;

  constructor(table: Table, clock: Clock, random: RandomBytes) {
    this.#table = table;
    this.#clock = clock;
    this.#random = random;
    const perf = { now: () => clock.now() };
    this.#existed = new LRUCache({ max: 10_000, ttl: existenceMemory, perf });
  }

  /** Creates a token. It cannot be read again. */
  async create(
    id: string,
    { account, id: key, expires_at: keyExpires }: StoredKey,
    wanted: z.infer<typeof createUploadTokenSchema>,
  ): Promise<{ readonly stored: StoredUploadToken; readonly token: string }> {
    const token = createKeySecret("upload", this.#random(keySecretBytes));
    const now = this.#clock.now();
    const end = toIso(now + expiresIn(wanted) * 1000);
    const stored: StoredUploadToken = {
      id,
      account,
      key,
      hash: hashKeySecret(token),
      created_at: toIso(now),
      expires_at: keyExpires !== undefined && keyExpires < end ? keyExpires : end,
      ...defined({ max_uploads: wanted.max_uploads, max_bytes: wanted.max_bytes }),
      uploads: 0,
      bytes: 0,
    };
    const expires = Math.ceil(Date.parse(stored.expires_at) / 1000);
    // Insert the row for revoking first, so that no token works without being listed.
    await this.#table.insert({ ...rowKeys.resource(account, id), data: stored, expires });
    await this.#table.insert({ ...rowKeys.uploadToken(stored.hash), data: { account, id }, expires });
    return { stored, token };
  }

  /** Returns the token, or undefined if it does not exist, has expired, or it or its API key was revoked. */
  async find(token: string): Promise<StoredUploadToken | undefined> {
    if (!isUploadToken(token)) return undefined;
    const hash = hashKeySecret(token);
    const pointer = await this.#table.get(rowKeys.uploadToken(hash));
    if (!pointer) return undefined;
    const { account, id } = parseRow(pointerSchema, pointer).data;
    const row = await this.#table.get(rowKeys.resource(account, id));
    const stored = row && parseRow(storedUploadTokenSchema, row).data;
    if (!stored || !sameHash(stored.hash, hash) || this.#isOver(stored.expires_at)) return undefined;
    const keyRow = await this.#table.get(rowKeys.resource(account, stored.key));
    const key = keyRow && parseRow(storedKeySchema, keyRow).data;
    if (!key || (key.expires_at !== undefined && this.#isOver(key.expires_at))) return undefined;
    this.#existed.set(hash, true);
    return stored;
  }

  /** Returns true if this process found the token within the last hour. */
  existed(token: string): boolean {
    return this.#existed.has(hashKeySecret(token));
  }

  /**
   * Counts an upload of the token.
   *
   * @throws VisibleError `token_used_up` if the token allows no further upload of this size, without counting
   */
  async countUpload(
    { account, id, max_uploads, max_bytes }: StoredUploadToken,
    bytes: number,
  ): Promise<void> {
    const key = rowKeys.resource(account, id);
    const tests: RowTest[] = [
      ...(max_uploads === undefined ? [] : [{ path: ["uploads"], below: max_uploads }]),
      ...(max_bytes === undefined ? [] : [{ path: ["bytes"], below: max_bytes - bytes + 1 }]),
    ];
    const add = [[["uploads"], 1] as const, [["bytes"], bytes] as const];
    if ((await this.#table.amend(key, { add }, tests)) === "amended") return;
    const row = await this.#table.get(key);
    if (!row) throw new VisibleError("unauthorized", "The upload token was revoked; request a new one.");
    const now = parseRow(storedUploadTokenSchema, row).data;
    const isCountReached = max_uploads !== undefined && now.uploads >= max_uploads;
    throw new VisibleError(
      "token_used_up",
      isCountReached
        ? `The upload token has created ${now.uploads} uploads, its limit; request a new token.`
        : `The upload has ${bytes} bytes, but the upload token has ${(max_bytes ?? 0) - now.bytes} of ${max_bytes} left; request a new token.`,
    );
  }

  /** Revokes the token immediately. Resolves with false if the account has no such token. */
  async revoke(account: string, id: string): Promise<boolean> {
    const key = rowKeys.resource(account, id);
    const row = await this.#table.get(key);
    if (!row) return false;
    await this.#table.delete(key);
    await this.#table.delete(rowKeys.uploadToken(parseRow(storedUploadTokenSchema, row).data.hash));
    return true;
  }

  #isOver(time: string): boolean {
    return Date.parse(time) <= this.#clock.now();
  }
}
