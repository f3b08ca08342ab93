import { type ClientOptions, sendRepeatedly, toError } from "./http.ts";
import { readChunks } from "./read-chunks.ts";
import type { BatchLine } from "./resources.ts";

/**
 * Streams the lines of a batch's output or errors, from `fromLine` (0 for all) to the first line that is not
 * finished.
 */
export async function* readBatchLines(
  options: ClientOptions,
  path: string,
  fromLine = 0,
  signal?: AbortSignal,
): AsyncGenerator<BatchLine> {
  const url = new URL(`${path}?from_line=${fromLine}`, options.baseUrl);
  const request = {
    headers: { Authorization: `Bearer ${options.key}` },
    ...(signal ? { signal } : {}),
  };
  const response = await sendRepeatedly(options, url, request, options.retries ?? 3);
  if (response.status === 204) return;
  if (!response.ok || !response.body) throw await toError(response);
  let rest = "";
  for await (const text of readChunks(response.body.pipeThrough(new TextDecoderStream()))) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    // The service's types are checked at compile time; the client does not validate them again.
    for (const line of lines) yield JSON.parse(line) as BatchLine;
  }
}
