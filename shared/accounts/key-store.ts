import { LRUCache } from "lru-cache";
import { defined } from "../defined.ts";
import { createId } from "../ids.ts";
import { type Clock, type RandomBytes, toIso } from "../ports/clock.ts";
import type { Table } from "../ports/table.ts";
import { parseRow, rowKeys } from "../rows.ts";
import {
  createKeySecret,
  type Environment,
  hashKeySecret,
  isWellFormedKey,
  keySecretBytes,
  type Scope,
  type StoredKey,
  sameHash,
  storedKeySchema,
} from "./api-key.ts";

/** Milliseconds for which a valid key is accepted without another read. */
const keyMemory = 5000;
/** Milliseconds for which this process remembers that a key existed. */
const existenceMemory = 3_600_000;
/** Milliseconds between two updates of a key's `last_used_at`. */
const useMemory = 3_600_000;

/** API keys. The row under the hash authenticates; the row under the account is for listing and revoking. */
export class KeyStore {
  readonly #table: Table;
  readonly #clock: Clock;
  readonly #random: RandomBytes;
  readonly #found: LRUCache<string, StoredKey>;
  readonly #existed: LRUCache<string, true>;
  /** Keys whose use was recorded within the last hour. */
  readonly #used: LRUCache<string, true>;

  constructor(table: Table, clock: Clock, random: RandomBytes) {
    this.#table = table;
    this.#clock = clock;
    this.#random = random;
    const perf = { now: () => clock.now() };
    this.#existed = new LRUCache({ max: 10_000, ttl: existenceMemory, perf });
    this.#used = new LRUCache({ max: 10_000, ttl: useMemory, perf });
    this.#found = new LRUCache({
      max: 10_000,
      ttl: keyMemory,
      perf,
      fetchMethod: (hash) => this.#read(hash),
    });
  }

  /** Creates a key. Its secret cannot be read again. */
  async create(
    account: string,
    environment: Environment,
    wanted: {
      readonly id?: string;
      readonly name?: string;
      readonly scopes: readonly Scope[];
      readonly expires_at?: string;
      readonly monthly_limit?: number;
    },
  ): Promise<{ readonly key: StoredKey; readonly secret: string }> {
    const secret = createKeySecret(environment, this.#random(keySecretBytes));
    const key: StoredKey = {
      id: wanted.id ?? createId("key", this.#clock.now(), this.#random(10)),
      account,
      ...defined({ name: wanted.name, expires_at: wanted.expires_at, monthly_limit: wanted.monthly_limit }),
      scopes: [...wanted.scopes],
      hint: secret.slice(0, 15),
      created_at: toIso(this.#clock.now()),
      hash: hashKeySecret(secret),
    };
    // Insert the row for revoking first, so that no key works without being listed.
    await this.#table.insert({ ...rowKeys.resource(account, key.id), data: key });
    await this.#table.insert({ ...rowKeys.secret(key.hash), data: key });
    return { key, secret };
  }

  /**
   * Returns the key with this secret, or undefined if it does not exist, was revoked more than five seconds
   * ago, or has expired.
   */
  async find(secret: string): Promise<StoredKey | undefined> {
    if (!isWellFormedKey(secret)) return undefined;
    const key = await this.#found.fetch(hashKeySecret(secret));
    const now = toIso(this.#clock.now());
    if (!key || (key.expires_at !== undefined && key.expires_at <= now)) return undefined;
    if (!this.#used.has(key.id)) {
      this.#used.set(key.id, true);
      await this.#table.amend(rowKeys.resource(key.account, key.id), { set: [[["last_used_at"], now]] }, []);
    }
    return key;
  }

  /** Returns true if this process found the key within the last hour. */
  existed(secret: string): boolean {
    return this.#existed.has(hashKeySecret(secret));
  }

  async #read(hash: string): Promise<StoredKey | undefined> {
    const row = await this.#table.get(rowKeys.secret(hash));
    const key = row && parseRow(storedKeySchema, row).data;
    if (!key || !sameHash(key.hash, hash)) return undefined;
    this.#existed.set(hash, true);
    return key;
  }

  async get(account: string, id: string): Promise<StoredKey | undefined> {
    const row = await this.#table.get(rowKeys.resource(account, id));
    return row && parseRow(storedKeySchema, row).data;
  }

  async list(account: string, limit: number): Promise<readonly StoredKey[]> {
    const rows = await this.#table.query(account, { prefix: "key#", limit, newestFirst: true });
    return rows.map((row) => parseRow(storedKeySchema, row).data);
  }

  /**
   * Revokes the key: immediately in this process, within five seconds in others. Resolves with false if the
   * account has no such key.
   */
  async revoke(account: string, id: string): Promise<boolean> {
    const row = await this.#table.get(rowKeys.resource(account, id));
    if (!row) return false;
    const { hash } = parseRow(storedKeySchema, row).data;
    await this.#table.delete(rowKeys.secret(hash));
    this.#found.delete(hash);
    await this.#table.delete(rowKeys.resource(account, id));
    return true;
  }
}
