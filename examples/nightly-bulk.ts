/**
 * Edits a shop's new photos as one batch: uploads, a manifest, then the results and the errors. With
 * --nightly, the service repeats it every night at 03:00.
 *
 *     VISII_URL=… VISII_KEY=… tsx examples/nightly-bulk.ts ins_… photo.jpg… [--nightly]
 */
import { readFile } from "node:fs/promises";
import { visii } from "visii-client";
import { contentTypeOf } from "./content-type.ts";
import { readEnvironment } from "./environment.ts";

const { api, print } = readEnvironment(visii);
const nightly = process.argv.includes("--nightly");
const [instruction, ...files] = process.argv.slice(2).filter((word) => !word.startsWith("--"));
if (!instruction || !files.length) throw new Error("usage: nightly-bulk.ts INSTRUCTION PHOTO… [--nightly]");

const lines: string[] = [];
for (const file of files) {
  const { id } = await api.uploads.send(Uint8Array.from(await readFile(file)), contentTypeOf(file));
  lines.push(JSON.stringify({ image: id, custom_id: file }));
}
const manifest = await api.uploads.send(new TextEncoder().encode(lines.join("\n")), "application/jsonl");
const schedule = nightly ? { schedule: { cron: "0 3 * * *", time_zone: "Europe/Berlin" } } : {};
const batch = await api.batches.create({
  instruction,
  manifest: manifest.id,
  options: { format: "jpeg" },
  ...schedule,
});
if (nightly) print(`scheduled ${batch.id}: next run ${batch.next_run_at}`);
else {
  const { status, counts } = await api.batches.wait(batch.id);
  print(`${status}: ${counts?.succeeded} of ${counts?.total} done, ${counts?.failed} failed`);
  for await (const line of api.batches.output(batch.id)) print(JSON.stringify(line));
  for await (const line of api.batches.errors(batch.id)) print(JSON.stringify(line));
}
