// Calls to the service with the key that was typed in; refusals become errors in the service's own words.
let key = sessionStorage.getItem("visii key") ?? "";

export const currentKey = () => key;

export function useKey(value) {
  key = value.trim();
  sessionStorage.setItem("visii key", key);
}

async function request(method, path, body, headers = {}) {
  const response = await fetch(path, {
    method,
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) {
    const problem = await response.json().catch(() => ({ detail: response.statusText }));
    throw new Error(problem.detail);
  }
  return response;
}

export const call = async (method, path, body) => (await request(method, path, body)).json();

/** The JSON of each line that a path answers with. */
export const lines = async (path) =>
  (await (await request("GET", path)).text())
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

/** Sends a picture in three steps: a form, the file, the check. Resolves with the upload's id. */
export async function upload(file) {
  const { id, url, fields } = await call("POST", "/v1/uploads", {
    content_type: file.type,
    bytes: file.size,
  });
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("file", file);
  const answer = await fetch(url, { method: "POST", body: form });
  if (!answer.ok) throw new Error(`${file.name} could not be sent (${answer.status}).`);
  await call("POST", `/v1/uploads/${id}/complete`);
  return id;
}

/** Follows a job's events to its end; a stream that breaks is taken up again. */
export async function follow(path, onEvent) {
  let last;
  for (;;) {
    const response = await request("GET", path, undefined, last ? { "Last-Event-ID": last } : {});
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        last = /^id: (.*)$/m.exec(block)?.[1] ?? last;
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (!data) continue;
        const event = JSON.parse(data);
        onEvent(event);
        if (event.type === "status" && !["queued", "running"].includes(event.status)) return event;
      }
    }
  }
}
