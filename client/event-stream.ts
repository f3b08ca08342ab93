import { type JobEvent, jobEventSchema } from "../shared/resources/event.ts";
import { ApiError, type ClientOptions, toError } from "./http.ts";

/** Follows a job live to its end; a stream that breaks is taken up where it left off. */
export async function* followEvents(
  options: ClientOptions,
  path: string,
  signal?: AbortSignal,
): AsyncGenerator<JobEvent> {
  const { retries = 3 } = options;
  let last: string | undefined;
  for (let fruitless = 0; ; fruitless++) {
    let wait = 500;
    try {
      for await (const { id, event } of readStream(options, path, last, signal)) {
        fruitless = 0;
        last = id ?? last;
        yield event;
        if (event.type === "status" && event.status !== "queued" && event.status !== "running") return;
      }
    } catch (error) {
      // A refusal is final unless it says when to come back; a broken connection may be better next time.
      const isFinal = error instanceof ApiError && error.retryAfter === undefined;
      if (isFinal || signal?.aborted || fruitless >= retries) throw error;
      if (error instanceof ApiError) wait = 1000 * Math.min(60, error.retryAfter ?? 0);
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
    signal?.throwIfAborted();
  }
}

/** One connection's worth of events. */
async function* readStream(
  { baseUrl, key, fetch: send = fetch }: ClientOptions,
  path: string,
  after: string | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<{ readonly id?: string; readonly event: JobEvent }> {
  const response = await send(new URL(path, baseUrl), {
    headers: { Authorization: `Bearer ${key}`, ...(after === undefined ? {} : { "Last-Event-ID": after }) },
    ...(signal ? { signal } : {}),
  });
  if (!response.ok || !response.body) throw await toError(response);
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body) {
    rest += decoder.decode(chunk, { stream: true });
    const blocks = rest.split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const { id, data } = parseBlock(block);
      if (data === undefined) continue;
      const event = jobEventSchema.parse(JSON.parse(data));
      yield { event, ...(id === undefined ? {} : { id }) };
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
