import type { BatchLine } from "../shared/resources/batch.ts";
import { type ClientOptions, sendRepeatedly, toError } from "./http.ts";

/** Lines of a batch's output or errors, one at a time, from `fromLine` (0 for all) up to the first that has not ended. */
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
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of response.body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    // The service validates its answers' types at compile time; here they are taken at its word.
    for (const line of lines) yield JSON.parse(line) as BatchLine;
  }
}
