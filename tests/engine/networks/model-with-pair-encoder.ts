import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));

export interface ComposedModel {
  readonly folder: string;
  dispose(): Promise<void>;
}

/**
 * The fixture tiny-mini with the fixture tiny-pair-encoder. @param defaults overrides of its visii.json
 */
export async function modelWithPairEncoder(defaults: object = {}): Promise<ComposedModel> {
  const parent = await mkdtemp(join(tmpdir(), "visii-pair-"));
  const folder = join(parent, "tiny-pair");
  await cp(fixture("tiny-mini"), folder, { recursive: true });
  await cp(fixture("tiny-pair-encoder"), join(folder, "pair_encoder"), { recursive: true });
  const file = join(folder, "visii.json");
  const own: object = JSON.parse(await readFile(file, "utf8"));
  await writeFile(file, JSON.stringify({ ...own, ...defaults }));
  return { folder, dispose: () => rm(parent, { recursive: true }) };
}
