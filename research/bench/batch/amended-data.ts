import type { Amendment, Path, RowTest } from "../../../shared/ports/table.ts";

type Data = Record<string, unknown>;

/** Returns a row's data after an amendment. */
export function amended(
  data: Readonly<Data>,
  { set = [], add = [], remove = [] }: Amendment,
): Readonly<Data> {
  const next: Data = structuredClone({ ...data });
  for (const [path, value] of set) assign(next, path, value);
  for (const [path, amount] of add) assign(next, path, Number(at(next, path)) + amount);
  for (const path of remove) {
    const parent = at(next, path.slice(0, -1));
    if (isData(parent)) delete parent[path.at(-1) ?? ""];
  }
  return next;
}

/** Returns true if a test of a row's data holds. */
export function holds(data: Readonly<Data>, test: RowTest): boolean {
  const value = at(data, test.path);
  if ("is" in test) return (value === undefined) === (test.is === "absent");
  if ("equals" in test) return value === test.equals;
  if ("atLeast" in test) return typeof value === "number" && value >= test.atLeast;
  return typeof value === "number" && value < test.below;
}

const isData = (value: unknown): value is Data => typeof value === "object" && value !== null;

const at = (data: unknown, path: Path): unknown =>
  path.reduce<unknown>((value, name) => (isData(value) ? value[name] : undefined), data);

function assign(data: Data, path: Path, value: unknown): void {
  const parent = at(data, path.slice(0, -1));
  if (isData(parent)) parent[path.at(-1) ?? ""] = value;
}
