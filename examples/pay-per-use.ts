/**
 * A pay-per-use product: quotes from the balance, takes the order once however often the customer presses the button, and bills
 * what was measured.
 *
 *     VISII_URL=… VISII_KEY=… tsx examples/pay-per-use.ts "make it sepia" photo.jpg order-17
 */
import { readFile } from "node:fs/promises";
import { ApiError, visii } from "visii-client";
import { contentTypeOf } from "./content-type.ts";
import { readEnvironment } from "./environment.ts";

const { api, print } = readEnvironment(visii);
const [text, file, order] = process.argv.slice(2);
if (!text || !file || !order)
  throw new Error('give words, a picture and an order: "make it sepia" photo.jpg order-17');

const { id: image } = await api.uploads.send(Uint8Array.from(await readFile(file)), contentTypeOf(file));
const place = () =>
  api.edits.create({ text, images: [image], metadata: { order } }, { idempotencyKey: order, wait: 30 });
try {
  const first = await place();
  const second = await place();
  print(`ordered twice, made once: ${first.id === second.id}`);
  const { status, usage, error } = await api.edits.wait(first.id);
  if (status !== "succeeded") throw new Error(`${status}: ${error?.message}; nothing is charged`);
  print(`to bill for ${order}: ${usage?.credits} credits, ${usage?.compute_seconds} s of computing`);
} catch (error) {
  // 402: top up first. 429: the answer says when to come back.
  if (!(error instanceof ApiError)) throw error;
  print(
    `not now: ${error.problem.code}${error.retryAfter === undefined ? "" : `, in ${error.retryAfter} s`}`,
  );
  process.exitCode = 1;
}
const { balance, totals } = await api.usage();
print(`${totals.jobs} jobs so far, ${balance} credits left`);
