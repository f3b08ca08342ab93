import { signal } from "@preact/signals";
import { refreshAccount } from "./account.ts";
import { source } from "./bench.ts";
import { chosen, refreshLibrary } from "./library.ts";
import { quietly, status } from "./notices.ts";
import { baseName } from "./picture.ts";
import { api } from "./session.ts";

export const isInstructionFile = ({ name }: File): boolean => /\.visii$/i.test(name);

/** Name of the file that is being imported. */
export const importing = signal<string | undefined>(undefined);

/** Imports a `.visii` file and selects its instruction. @throws Error if the service rejects the file */
export async function importFile(file: File): Promise<void> {
  importing.value = file.name;
  status.value = `Importing ${file.name}.`;
  try {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const { id: upload } = await api.value.uploads.send(bytes, "application/vnd.visii");
    const { id } = await api.value.instructions.import({ upload, name: baseName(file.name).slice(0, 200) });
    const imported = await api.value.instructions.wait(id);
    if (imported.status !== "succeeded")
      throw new Error(imported.error?.message ?? `The import was ${imported.status}.`);
    chosen.value = imported;
    source.value = "pair";
    status.value = `${file.name} was imported.`;
    await refreshLibrary();
  } finally {
    importing.value = undefined;
    quietly(refreshAccount());
  }
}
