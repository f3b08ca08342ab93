import { EventSourceParserStream } from "eventsource-parser/stream";
import { ApiError, type ClientOptions, toError } from "./http.ts";
import { readChunks } from "./read-chunks.ts";
import type { JobEvent } from "./resources.ts";

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
  const messages = response.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream());
  for await (const { id, data } of readChunks(messages)) {
    // The service validates its events' types at compile time; here they are taken at its word.
    const event = JSON.parse(data) as JobEvent;
    yield { event, ...(id === undefined ? {} : { id }) };
  }
}
