/**
 * A mobile app and its backend. The phone uploads photos with a short-lived token, directly to object
 * storage. Only the backend has the API key: it learns, edits and returns the links.
 *
 *     VISII_URL=… VISII_KEY=… tsx examples/mobile-backend.ts before.jpg after.jpg photo.jpg
 */
import { readFile } from "node:fs/promises";
import { visii } from "visii-client";
import { contentTypeOf } from "./content-type.ts";
import { readEnvironment } from "./environment.ts";

const { api, url, print } = readEnvironment(visii);
const [beforeFile, afterFile, photoFile] = process.argv.slice(2);
if (!beforeFile || !afterFile || !photoFile) throw new Error("usage: mobile-backend.ts BEFORE AFTER PHOTO");

/** The app on the phone: it receives a token and returns the IDs of its uploads. */
async function uploadOnPhone(token: string, files: readonly string[]): Promise<string[]> {
  const phone = visii({ baseUrl: url, key: token });
  const ids: string[] = [];
  for (const file of files) {
    const { id } = await phone.uploads.send(Uint8Array.from(await readFile(file)), contentTypeOf(file));
    ids.push(id);
  }
  return ids;
}

const files = [beforeFile, afterFile, photoFile];
const { id: tokenId, token } = await api.uploads.tokens.create({
  expires_in: 600,
  max_uploads: files.length,
  max_bytes: 50e6,
});
const uploads = await uploadOnPhone(token, files);
// The IDs come from the phone: accept only uploads that were made with its token.
for (const id of uploads)
  if ((await api.uploads.get(id)).token !== tokenId) throw new Error(`${id} is not an upload of this phone`);
const [before = "", after = "", photo = ""] = uploads;
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
for (const { url: link, width, height } of done.results) print(`result ${width}×${height}: ${link}`);
