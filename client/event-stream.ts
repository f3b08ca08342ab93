import { EventSourceParserStream } from "eventsource-parser/stream";
import { ApiError, type ClientOptions, toError } from "./http.ts";
import { readChunks } from "./read-chunks.ts";
import type { JobEvent } from "./resources.ts";

/** Streams a job's events until it ends. A broken connection is resumed after the last event. */
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
      // An API error is final unless it has a Retry-After; connection errors are retried.
      const isFinal = error instanceof ApiError && error.retryAfter === undefined;
      if (isFinal || signal?.aborted || fruitless >= retries) throw error;
      if (error instanceof ApiError) wait = 1000 * Math.min(60, error.retryAfter ?? 0);
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
    signal?.throwIfAborted();
  }
}

/** The events of one connection. */
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
    // The service's types are checked at compile time; the client does not validate them again.
    const event = JSON.parse(data) as JobEvent;
    yield { event, ...(id === undefined ? {} : { id }) };
  }
}
