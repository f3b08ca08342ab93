import { createHash } from "node:crypto";
import { z } from "zod";

/**
 * An ID is the kind's prefix and 26 characters in Crockford base 32, such as `ins_…`. The first ten
 * characters encode the time.
 */
const idPrefixes = {
  account: "acc",
  batch: "bat",
  delivery: "dlv",
  edit: "edt",
  event: "evt",
  instruction: "ins",
  key: "key",
  request: "req",
  token: "tok",
  upload: "upl",
  webhook: "whk",
} as const;
export type IdKind = keyof typeof idPrefixes;

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
const timeCharacters = 10;
const randomBytes = 10;

/** Schema of an ID. Other values are never looked up, which prevents path injection. */
export const idSchema = (kind: IdKind) =>
  z
    .string()
    .regex(
      new RegExp(`^${idPrefixes[kind]}_[0-9a-hjkmnp-tv-z]{26}$`),
      `must be an ID like ${idPrefixes[kind]}_…`,
    );

/** IDs of one kind sort by `milliseconds` (since 1970). `random` has at least 10 bytes. */
export function createId(kind: IdKind, milliseconds: number, random: Uint8Array): string {
  return `${idPrefixes[kind]}_${timePart(milliseconds)}${randomPart(random)}`;
}

/**
 * Derives an ID from a parent's ID and a name. The same arguments give the same ID, so retries are
 * idempotent.
 */
export function deriveId(kind: IdKind, parent: string, name: string): string {
  const hash = createHash("sha256").update(`${parent}/${kind}/${name}`).digest();
  return `${idPrefixes[kind]}_${parent.slice(4, 4 + timeCharacters)}${randomPart(hash)}`;
}

function timePart(milliseconds: number): string {
  let rest = milliseconds;
  let text = "";
  for (let index = 0; index < timeCharacters; index++) {
    text = alphabet[rest % 32]! + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

/** 10 bytes → 16 characters of 5 bits. */
function randomPart(random: Uint8Array): string {
  let bits = 0n;
  for (const byte of random.subarray(0, randomBytes)) bits = (bits << 8n) | BigInt(byte);
  let text = "";
  for (let index = 0; index < 16; index++) {
    text = alphabet[Number(bits & 31n)]! + text;
    bits >>= 5n;
  }
  return text;
}
