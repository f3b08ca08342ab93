export function jobUrls(origin: string, collection: "instructions" | "edits" | "batches", id: string) {
  const self = `${origin}/v1/${collection}/${id}`;
  return { self, cancel: `${self}/cancel`, events: `${self}/events` };
}
