/**
 * A pay-per-use product: an order is executed once, however often the customer presses the button, and billed
 * by measured usage.
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
  throw new Error('usage: pay-per-use.ts TEXT PHOTO ORDER, such as "make it sepia" photo.jpg order-17');

const { id: image } = await api.uploads.send(Uint8Array.from(await readFile(file)), contentTypeOf(file));
const place = () =>
  api.edits.create({ text, images: [image], metadata: { order } }, { idempotencyKey: order, wait: 30 });
try {
  const first = await place();
  const second = await place();
  print(`ordered twice, executed once: ${first.id === second.id}`);
  const { status, usage, error } = await api.edits.wait(first.id);
  if (status !== "succeeded") throw new Error(`${status}: ${error?.message}; nothing was charged`);
  print(`bill for ${order}: ${usage?.credits} credits, ${usage?.compute_seconds} s of compute time`);
} catch (error) {
  // 402: add credit. 429: retry after the time in the response.
  if (!(error instanceof ApiError)) throw error;
  print(
    `refused: ${error.problem.code}${error.retryAfter === undefined ? "" : `, retry in ${error.retryAfter} s`}`,
  );
  process.exitCode = 1;
}
const { balance, totals } = await api.usage();
print(`${totals.jobs} jobs so far, ${balance} credits left`);
