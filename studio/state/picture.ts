import type { UploadType } from "../../client/visii.ts";
import { createLimit } from "./create-limit.ts";
import { api, key } from "./session.ts";

/** Browsers open six connections per host, and events need some of them. */
const limitUploads = createLimit(3);

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
  /** Uploads it on the first call. @returns its upload's ID */
  upload(): Promise<string>;
}

let count = 0;

/** @throws Error with a message for the user if the file type is not supported */
export function openPicture(file: File, isExample = false): Picture {
  const type = typeOf(file);
  if (!type)
    throw new Error(`${file.name} cannot be read. Choose a JPEG, PNG, WebP, AVIF, HEIC or TIFF file.`);
  let sent: { readonly key: string; readonly id: Promise<string> } | undefined;
  const send = () =>
    limitUploads(async () => {
      const { id } = await api.value.uploads.send(new Uint8Array(await file.arrayBuffer()), type);
      return id;
    });
  return {
    ...{ id: ++count, name: file.name, url: URL.createObjectURL(file), isExample, type },
    upload() {
      // An upload belongs to the account that created it.
      if (sent?.key !== key.value) sent = { key: key.value, id: send() };
      const { id } = sent;
      id.catch(() => {
        if (sent?.id === id) sent = undefined;
      });
      return id;
    },
  };
}

/** The name without its extension. */
export const baseName = (name: string): string => name.replace(/\.[^.]+$/, "");
