import type { StandIns } from "../../../local/stand-ins.ts";
import { Child } from "./child.ts";
import { type Call, type Load, load, send } from "./load.ts";
import type { ServerOptions } from "./server-process.ts";
import type { Tenant } from "./tenants.ts";

/** Number of concurrent callers, and of the accounts they use. */
export const callers = 16;
export const accounts = 32;
const puts = 2000;

/** Measurements of one kind of request; per request unless noted. */
interface Measured extends Load {
  readonly calls: Readonly<Record<string, number>>;
  /** CPU time in milliseconds of the API's process and of the stand-ins'. */
  readonly cpu: { readonly api: number; readonly standIns: number };
}

export interface RequestFigures {
  readonly create: Measured;
  readonly get: Measured;
  readonly bareCreate: Load;
  readonly bareGet: Load;
  /** Rows per second that the API's process writes through the same adapter when idle. */
  readonly putsPerSecond: number;
}

/**
 * Measures create-job and get-job of a checkout and of bare Hono. Stand-ins, API and callers are three
 * processes.
 */
export async function measureRequests(root: string, seconds: number): Promise<RequestFigures> {
  const standIns = await Child.start<ServerOptions["standIns"] & StandIns>("stand-ins-process.ts");
  const options: ServerOptions = { root, standIns: standIns.ready };
  const server = await Child.start<{ readonly api: string; readonly bare: string }>(
    "server-process.ts",
    options,
  );
  const { api, bare } = server.ready;
  try {
    const tenants = await server.ask<readonly Tenant[]>({ ask: "tenants", count: accounts });
    let turn = 0;
    const create = (origin: string) => (): Call => {
      const { key, image } = tenants[turn++ % tenants.length]!;
      const body = JSON.stringify({ text: "make it dusk", images: [image] });
      return { method: "POST", url: `${origin}/v1/edits`, headers: { authorization: `Bearer ${key}` }, body };
    };
    const made: { readonly id: string; readonly key: string }[] = [];
    for (const { key } of tenants) {
      const { status, text } = await send(create(api)());
      if (status !== 202) throw new Error(text);
      const sample = JSON.parse(text);
      made.push({ id: sample.id, key });
      await server.ask({ ask: "answer", sample });
    }
    const look = (origin: string) => (): Call => {
      const { id, key } = made[turn++ % made.length]!;
      return { method: "GET", url: `${origin}/v1/edits/${id}`, headers: { authorization: `Bearer ${key}` } };
    };
    const run = async (next: () => Call, expected: number): Promise<Measured> => {
      await load(next, { connections: callers, seconds: 1, expected });
      await server.ask({ ask: "cost" });
      const { cpu: before } = await standIns.ask<{ cpu: number }>({});
      const measured = await load(next, { connections: callers, seconds, expected });
      const cost = await server.ask<{ calls: Record<string, number>; cpu: number }>({ ask: "cost" });
      const { cpu: after } = await standIns.ask<{ cpu: number }>({});
      const each = (total: number) => total / measured.requests;
      return {
        ...measured,
        calls: Object.fromEntries(Object.entries(cost.calls).map(([call, count]) => [call, each(count)])),
        cpu: { api: each(cost.cpu), standIns: each(after - before) },
      };
    };
    const { seconds: putting } = await server.ask<{ seconds: number }>({
      ask: "puts",
      count: puts,
      atOnce: callers,
    });
    return {
      putsPerSecond: puts / putting,
      bareCreate: await run(create(bare), 202),
      create: await run(create(api), 202),
      bareGet: await run(look(bare), 200),
      get: await run(look(api), 200),
    };
  } finally {
    await server.stop();
    await standIns.stop();
  }
}
