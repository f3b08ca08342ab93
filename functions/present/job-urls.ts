import type { Edge } from "../edge.ts";

/** URLs of a resource. They start with the configured URL, never with a request's `Host`. */
export function jobUrls(
  { settings }: Pick<Edge, "settings">,
  collection: "instructions" | "edits" | "batches",
  id: string,
) {
  const self = `${settings.publicUrl}/v1/${collection}/${id}`;
  return { self, cancel: `${self}/cancel`, events: `${self}/events` };
}
