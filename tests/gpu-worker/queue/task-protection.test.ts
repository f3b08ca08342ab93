import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { TaskProtection } from "../../../gpu-worker/queue/task-protection.ts";
import { createJsonLog } from "../../../shared/json-log.ts";
import { systemClock } from "../../../shared/system-clock.ts";

/** A fake of ECS's agent: the requests that it received, and its responses. */
let told: unknown[];
let answer: { readonly status: number; readonly body: unknown };
let agent: Server;
let lines: string[];
/** Milliseconds that the clock is ahead. */
let ahead: number;

beforeEach(async () => {
  [told, lines, ahead] = [[], [], 0];
  answer = { status: 200, body: { protection: { ProtectionEnabled: true, TaskArn: "arn" }, failure: null } };
  agent = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    expect(`${request.method} ${request.url}`).toBe("PUT /api/0123/task-protection/v1/state");
    told.push(JSON.parse(text));
    response
      .writeHead(answer.status, { "content-type": "application/json" })
      .end(JSON.stringify(answer.body));
  });
  await once(agent.listen(0, "127.0.0.1"), "listening");
});
afterEach(() => agent.close());

/** Milliseconds. */
const linger = 30;
function open(): TaskProtection {
  const clock = { ...systemClock, now: () => Date.now() + ahead };
  const log = createJsonLog((line) => lines.push(line), clock.now);
  const { port } = agent.address() as AddressInfo;
  return new TaskProtection(`http://127.0.0.1:${port}/api/0123`, { clock, log }, { linger });
}
const on = { ProtectionEnabled: true, ExpiresInMinutes: 60 };
const off = { ProtectionEnabled: false };
const later = () => new Promise((resolve) => setTimeout(resolve, 10 * linger));

test("a task is protected before its work starts, and until some time after it ends", async () => {
  const protection = open();
  const seen = await protection.during(async () => [...told]);
  expect(seen).toEqual([on]);
  expect(told).toEqual([on]);
  await later();
  expect(told).toEqual([on, off]);
});

test("many short jobs, concurrent and consecutive, request protection once", async () => {
  const protection = open();
  for (let round = 0; round < 5; round++)
    await Promise.all([protection.during(async () => "a"), protection.during(async () => "b")]);
  // Two that begin together may both find the task unprotected.
  expect(told.length).toBeLessThanOrEqual(2);
  await later();
  expect(told.at(-1)).toEqual(off);
  expect(told.filter((each) => JSON.stringify(each) === JSON.stringify(off))).toHaveLength(1);
});

test("protection that expires soon is renewed", async () => {
  const protection = open();
  await protection.during(async () => undefined);
  ahead = 31 * 60_000;
  await protection.during(async () => undefined);
  expect(told).toEqual([on, on]);
});

test.each([
  ["refuses", { status: 400, body: { failure: { Reason: "TASK_NOT_VALID" } } }],
  ["fails", { status: 500, body: {} }],
  ["answers nonsense", { status: 200, body: "?" }],
])("an agent that %s does not stop the work, and is logged", async (_, wrong) => {
  answer = wrong;
  await expect(open().during(async () => "done")).resolves.toBe("done");
  expect(lines.join("\n")).toContain("protection could not be changed");
});

test("failing work throws its own error, and ends the protection", async () => {
  const protection = open();
  await expect(protection.during(() => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
  await later();
  expect(told).toEqual([on, off]);
});

test("a worker that exits sends nothing, and does not wait", async () => {
  const protection = open();
  await protection.during(async () => undefined);
  protection.close();
  await later();
  expect(told).toEqual([on]);
});
