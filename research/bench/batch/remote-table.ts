import type { ChildProcess } from "node:child_process";
import type { Table } from "../../../shared/ports/table.ts";

type Method = keyof Table;
interface TableCall {
  readonly call: number;
  readonly method: Method;
  readonly given: readonly unknown[];
}
interface TableAnswer {
  readonly answers: number;
  readonly result: unknown;
}

/** Serves a table of this process to a child process. */
export function serveTable(child: ChildProcess, table: Table): void {
  child.on("message", async (message: Partial<TableCall>) => {
    const { call, method, given } = message;
    if (call === undefined || method === undefined) return;
    const result: unknown = await Reflect.apply(table[method], table, given ?? []);
    child.send({ answers: call, result } satisfies TableAnswer);
  });
}

/** The table of the parent process, so that its rows use none of this process's memory. */
export function remoteTable(): Table {
  const open = new Map<number, (result: unknown) => void>();
  let calls = 0;
  process.on("message", ({ answers, result }: Partial<TableAnswer>) => {
    if (answers === undefined) return;
    open.get(answers)?.(result);
    open.delete(answers);
  });
  const forward =
    (method: Method) =>
    (...given: readonly unknown[]) =>
      new Promise((resolve) => {
        open.set(++calls, resolve);
        process.send?.({ call: calls, method, given } satisfies TableCall);
      });
  return new Proxy({} as Table, { get: (_, method: Method) => forward(method) });
}
