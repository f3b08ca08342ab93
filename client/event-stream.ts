import { type JobEvent, jobEventSchema } from "../shared/resources/event.ts";
import type { ClientOptions } from "./http.ts";

/** Follows a job live to its end; a stream that breaks is taken up where it left off. */
export async function* followEvents(
  { baseUrl, key, fetch: send = fetch }: ClientOptions,
  path: string,
  signal?: AbortSignal,
): AsyncGenerator<JobEvent> {
  let last: string | undefined;
  for (;;) {
    const response = await send(new URL(path, baseUrl), {
      headers: {
        Authorization: `Bearer ${key}`,
        ...(last === undefined ? {} : { "Last-Event-ID": last }),
      },
      ...(signal ? { signal } : {}),
    });
    if (!response.ok || !response.body) throw new Error(`${path} answered ${response.status}`);
    let rest = "";
    const decoder = new TextDecoder();
    for await (const chunk of response.body) {
      rest += decoder.decode(chunk, { stream: true });
      const blocks = rest.split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        const { id, data } = parseBlock(block);
        if (data === undefined) continue;
        last = id ?? last;
        const event = jobEventSchema.parse(JSON.parse(data));
        yield event;
        if (event.type === "status" && event.status !== "queued" && event.status !== "running") return;
      }
    }
  }
}

function parseBlock(block: string): { readonly id?: string; readonly data?: string } {
  const field = (name: string) =>
    block
      .split("\n")
      .filter((line) => line.startsWith(`${name}: `))
      .map((line) => line.slice(name.length + 2));
  const [id] = field("id");
  const data = field("data");
  return { ...(id === undefined ? {} : { id }), ...(data.length ? { data: data.join("\n") } : {}) };
}
