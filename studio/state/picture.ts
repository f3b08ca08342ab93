import type { UploadType } from "../../client/visii.ts";
import { api, key } from "./session.ts";

/** By the endings of files: browsers do not know all of them. */
const types: Readonly<Record<string, UploadType>> = {
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
  avif: "image/avif",
  heic: "image/heic",
  heif: "image/heic",
  tif: "image/tiff",
  tiff: "image/tiff",
};

/** For file dialogs. */
export const accepted = [...Object.values(types), ...Object.keys(types).map((ending) => `.${ending}`)].join();

const typeOf = ({ name, type }: File): UploadType | undefined =>
  Object.values(types).find((known) => known === type) ?? types[/[^.]*$/.exec(name.toLowerCase())?.[0] ?? ""];

/** A picture of the person's own, or of the example. */
export interface Picture {
  readonly id: number;
  readonly name: string;
  readonly url: string;
  readonly isExample: boolean;
  readonly type: UploadType;
  /** Sends it, the first time that it is needed. @returns its upload's id */
  upload(): Promise<string>;
}

let count = 0;

/** @throws Error in words, when the service does not take such a file */
export function openPicture(file: File, isExample = false): Picture {
  const type = typeOf(file);
  if (!type)
    throw new Error(`${file.name} cannot be read. Choose a JPEG, PNG, WebP, AVIF, HEIC or TIFF file.`);
  let sent: { readonly key: string; readonly id: Promise<string> } | undefined;
  const send = async () => {
    const { id } = await api.value.uploads.send(new Uint8Array(await file.arrayBuffer()), type);
    return id;
  };
  return {
    ...{ id: ++count, name: file.name, url: URL.createObjectURL(file), isExample, type },
    upload() {
      // An upload is of the account that sent it.
      if (sent?.key !== key.value) sent = { key: key.value, id: send() };
      const { id } = sent;
      id.catch(() => {
        if (sent?.id === id) sent = undefined;
      });
      return id;
    },
  };
}

/** The name without its ending. */
export const baseName = (name: string): string => name.replace(/\.[^.]+$/, "");
