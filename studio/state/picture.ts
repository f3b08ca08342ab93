import type { UploadType } from "../../client/visii.ts";
import { createLimit } from "./create-limit.ts";
import { api, key } from "./session.ts";

/** Pairs do not wait for photos. Browsers open six connections per host, and events need some of them. */
const limits = { pair: createLimit(2), photo: createLimit(2) } as const;

/** By file extension, because browsers do not know all of these types. */
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

/** `accept` attribute of file inputs. */
export const accepted = [...Object.values(types), ...Object.keys(types).map((ending) => `.${ending}`)].join();

const typeOf = ({ name, type }: File): UploadType | undefined =>
  Object.values(types).find((known) => known === type) ?? types[/[^.]*$/.exec(name.toLowerCase())?.[0] ?? ""];

/** A photo of the user or of the example. */
export interface Picture {
  readonly id: number;
  readonly name: string;
  readonly url: string;
  readonly isExample: boolean;
  readonly type: UploadType;
  /** Uploads it, unless that has begun. */
  prepare(use: keyof typeof limits): Promise<unknown>;
  /** Its upload's ID, for a request. */
  upload(): Promise<string>;
  /** Deletes its upload, unless a request has its ID. */
  discard(): Promise<void>;
}

let count = 0;

/** @throws Error with a message for the user if the file type is not supported */
export function openPicture(file: File, isExample = false): Picture {
  const type = typeOf(file);
  if (!type)
    throw new Error(`${file.name} cannot be read. Choose a JPEG, PNG, WebP, AVIF, HEIC or TIFF file.`);
  let sent: { readonly key: string; readonly id: Promise<string> } | undefined;
  let isUsed = false;
  const send = (use: keyof typeof limits) =>
    limits[use](async () => {
      const { id } = await api.value.uploads.send(new Uint8Array(await file.arrayBuffer()), type);
      return id;
    });
  const prepare = (use: keyof typeof limits) => {
    // An upload belongs to the account that created it.
    if (sent?.key !== key.value) sent = { key: key.value, id: send(use) };
    const { id } = sent;
    id.catch(() => {
      if (sent?.id === id) sent = undefined;
    });
    return id;
  };
  return {
    ...{ id: ++count, name: file.name, url: URL.createObjectURL(file), isExample, type },
    prepare,
    upload() {
      isUsed = true;
      return prepare("pair");
    },
    async discard() {
      const id = await sent?.id;
      if (id !== undefined && !isUsed) await api.value.uploads.delete(id);
    },
  };
}

/** The name without its extension. */
export const baseName = (name: string): string => name.replace(/\.[^.]+$/, "");
