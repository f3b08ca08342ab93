import type { Mark } from "vega";

/** Half the length of an interval's end caps, in pixels. */
const cap = 4;

/**
 * A bar from `low` to `high` with caps, for data with the fields `low`, `high` and `name` (its color).
 *
 * @param along the scale of the interval, `x` or `y`; `across` positions it on the other one
 */
export function intervalMarks(
  data: string,
  along: "x" | "y",
  across: { readonly field: string; readonly offset?: string },
): Mark[] {
  const other = along === "x" ? "y" : "x";
  const place = (shift: number) => ({
    scale: other,
    field: across.field,
    offset: { signal: `${across.offset ?? 0} + ${shift}` },
  });
  const stroke = { scale: "color", field: "name" };
  const bar = (from: "low" | "high", to: "low" | "high", shift: number): Mark => ({
    type: "rule",
    from: { data },
    encode: {
      enter: {
        [along]: { scale: along, field: from },
        [`${along}2`]: { scale: along, field: to },
        [other]: place(-shift),
        [`${other}2`]: place(shift),
        stroke,
        strokeWidth: { value: 1.5 },
      },
    },
  });
  return [bar("low", "high", 0), bar("low", "low", cap), bar("high", "high", cap)];
}
