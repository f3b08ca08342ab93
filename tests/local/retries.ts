import type { Answer } from "../functions/api.ts";
import type { RunningService } from "./running-service.ts";

/** Repeats a request with the same Idempotency-Key until it gets an answer other than 409, 500 or 503. */
export async function callWithRetries(
  running: RunningService,
  method: string,
  path: string,
  body?: unknown,
  key?: string,
): Promise<Answer> {
  const headers: Record<string, string> = key === undefined ? {} : { "Idempotency-Key": key };
  for (let attempt = 0; ; attempt++) {
    const answer = await running.call(method, path, body, headers).catch(() => undefined);
    if (answer && ![409, 500, 503].includes(answer.status)) return answer;
    if (attempt > 150) throw new Error(`${method} ${path} was never answered: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

/** Uploads a file; starts over with a new form when any step fails. */
export async function uploadWithRetries(
  running: RunningService,
  bytes: Uint8Array,
  contentType = "image/png",
): Promise<string> {
  for (;;) {
    const { body: form } = await callWithRetries(running, "POST", "/v1/uploads", {
      content_type: contentType,
      bytes: bytes.length,
    });
    const data = new FormData();
    for (const [name, value] of Object.entries<string>(form.fields)) data.append(name, value);
    data.append("file", new Blob([Uint8Array.from(bytes)]));
    const sent = await fetch(form.url, { method: "POST", body: data }).catch(() => undefined);
    if (!sent?.ok) continue;
    const { status } = await callWithRetries(running, "POST", `/v1/uploads/${form.id}/complete`);
    if (status === 200) return form.id;
  }
}
