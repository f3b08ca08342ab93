import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Signal } from "@preact/signals";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import type { InstructionResource } from "../../client/visii.ts";

interface Draft {
  readonly draft: Signal<InstructionResource | undefined>;
  dropDraft(): Promise<void>;
}
interface Library {
  readonly library: Signal<readonly InstructionResource[]>;
}
/** Not a literal path, because the studio is compiled for browsers and the tests for Node. */
const studioModule = (name: string) => import(new URL(`../../studio/state/${name}.ts`, import.meta.url).href);

const requests: string[] = [];
const server = createServer(({ method, url }, response) => {
  requests.push(`${method} ${url}`);
  response.writeHead(204).end();
});
beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  vi.stubGlobal("location", { origin: `http://127.0.0.1:${port}` });
  vi.stubGlobal("sessionStorage", { getItem: () => "visii_test_key" });
});
afterAll(() => {
  vi.unstubAllGlobals();
  server.close();
});

it("lists a deleted draft no longer, whose thumbnail is gone", async () => {
  const { draft, dropDraft }: Draft = await studioModule("draft");
  const { library }: Library = await studioModule("library");
  const [made, learned] = ["ins_draft", "ins_learned"].map((id) => ({ id, status: "succeeded" }));
  library.value = [learned, made] as InstructionResource[];
  draft.value = made as InstructionResource;
  // What the page lists (components/shelf.tsx), after each change.
  const listed: string[][] = [];
  const note = () => listed.push(library.value.map(({ id }) => id).filter((id) => id !== draft.value?.id));
  const stops = [library.subscribe(note), draft.subscribe(note)];
  await dropDraft();
  for (const stop of stops) stop();
  expect(requests).toEqual(["DELETE /v1/instructions/ins_draft"]);
  expect(listed.every((ids) => ids.join() === "ins_learned")).toBe(true);
  expect(draft.value).toBeUndefined();
});
