import type { Amendment, Path, RowTest } from "../ports/table.ts";

/** Converts an amendment to DynamoDB expressions, with placeholders for all names and values. */
export function updateExpression(
  { set = [], add = [], remove = [], due }: Amendment,
  tests: readonly RowTest[],
  duePartition: string,
) {
  const names = new Map<string, string>();
  const values: Record<string, unknown> = {};
  const name = (field: string): string => {
    const known = names.get(field) ?? `#n${names.size}`;
    names.set(field, known);
    return known;
  };
  const value = (given: unknown): string => {
    const key = `:v${Object.keys(values).length}`;
    values[key] = given;
    return key;
  };
  const place = (path: Path): string => ["data", ...path].map(name).join(".");
  const settings = [
    `${name("version")} = ${name("version")} + ${value(1)}`,
    ...set.map(([path, given]) => `${place(path)} = ${value(given)}`),
    ...add.map(([path, amount]) => `${place(path)} = ${place(path)} + ${value(amount)}`),
    ...(due === undefined
      ? []
      : [`${name("due_pk")} = ${value(duePartition)}`, `${name("due_sk")} = ${value(due)}`]),
  ];
  const removals = remove.map(place);
  const conditions = tests.map((test) => {
    const at = place(test.path);
    if ("is" in test) return `attribute_${test.is === "absent" ? "not_exists" : "exists"}(${at})`;
    if ("equals" in test) return `${at} = ${value(test.equals)}`;
    if ("atLeast" in test) return `${at} >= ${value(test.atLeast)}`;
    return `${at} < ${value(test.below)}`;
  });
  return {
    UpdateExpression: `SET ${settings.join(", ")}${removals.length ? ` REMOVE ${removals.join(", ")}` : ""}`,
    // Otherwise DynamoDB would create a missing row.
    ConditionExpression: ["attribute_exists(pk)", ...conditions].join(" AND "),
    ExpressionAttributeNames: Object.fromEntries([...names].map(([field, key]) => [key, field])),
    ExpressionAttributeValues: values,
  };
}
