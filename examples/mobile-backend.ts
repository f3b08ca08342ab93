/**
 * A mobile app's backend. The phone uploads photos with forms, directly to object storage, and follows the
 * edit. Only this backend has the API key.
 *
 *     VISII_URL=… VISII_KEY=… tsx examples/mobile-backend.ts before.jpg after.jpg photo.jpg
 */
import { readFile } from "node:fs/promises";
import { visii } from "visii-client";
import { contentTypeOf } from "./content-type.ts";
import { readEnvironment } from "./environment.ts";

const { api, print } = readEnvironment(visii);
const [beforeFile, afterFile, photoFile] = process.argv.slice(2);
if (!beforeFile || !afterFile || !photoFile) throw new Error("usage: mobile-backend.ts BEFORE AFTER PHOTO");

/** In a real app, the phone does this with a form from the backend. */
async function uploadFromPhone(file: string): Promise<string> {
  const bytes = await readFile(file);
  return (await api.uploads.send(Uint8Array.from(bytes), contentTypeOf(file))).id;
}

const [before, after, photo] = [
  await uploadFromPhone(beforeFile),
  await uploadFromPhone(afterFile),
  await uploadFromPhone(photoFile),
];
const instruction = await api.instructions.create(
  { pairs: [{ before, after }], name: "from the phone", steps: Number(process.env.VISII_STEPS ?? 150) },
  { idempotencyKey: `learn-${before}-${after}`, cancelAfter: "15m" },
);
for await (const event of api.instructions.events(instruction.id))
  if (event.type === "progress") print(`learning: ${event.progress.step} of ${event.progress.steps}`);
const learned = await api.instructions.get(instruction.id);
if (learned.status !== "succeeded") throw new Error(`learning ${learned.status}: ${learned.error?.message}`);

const edit = await api.edits.create(
  { instruction: learned.id, images: [photo], format: "jpeg" },
  { idempotencyKey: `edit-${photo}`, wait: 30 },
);
const done = await api.edits.wait(edit.id);
if (done.status !== "succeeded") throw new Error(`the edit ${done.status}: ${done.error?.message}`);
for (const { url, width, height } of done.results) print(`result ${width}×${height}: ${url}`);
