import { downloadZip } from "client-zip";
import { baseName } from "./picture.ts";
import type { Result, Run } from "./runs.ts";
import { api } from "./session.ts";

const endings: Readonly<Record<string, string>> = { "image/jpeg": "jpg", "image/png": "png" };

/** "coast-painting.jpg". */
function nameOf({ photo }: Result, { title }: Run, ending: string): string {
  const look = title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-|-$/g, "")
    .slice(0, 40);
  return `${baseName(photo.name)}-${look}.${ending}`;
}

async function fileOf(result: Result, run: Run): Promise<File> {
  const bytes = await api.value.edits.download(result.edit ?? "", result.index ?? 0);
  const type = bytes[0] === 0xff ? "image/jpeg" : "image/png";
  return new File([bytes], nameOf(result, run, endings[type] ?? "png"), { type });
}

export async function saveResult(result: Result, run: Run): Promise<void> {
  const file = await fileOf(result, run);
  save(file, file.name);
}

/** Saves all results of a run as a zip archive. */
export async function saveAll(run: Run): Promise<void> {
  save(await downloadZip(filesOf(run)).blob(), `${run.title.replace(/[\\/:*?"<>|“”]/g, "")}.zip`);
}

/** The results one after the other. Files that have the same name are numbered. */
async function* filesOf(run: Run): AsyncGenerator<{ readonly name: string; readonly input: File }> {
  const seen = new Map<string, number>();
  for (const result of run.results) {
    if (result.url === undefined) continue;
    const input = await fileOf(result, run);
    const times = (seen.get(input.name) ?? 0) + 1;
    seen.set(input.name, times);
    yield { input, name: times === 1 ? input.name : input.name.replace(/(\.\w+)$/, `-${times}$1`) };
  }
}

function save(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
