/**
 * Parses JSON as Python's json module writes it. Python writes `Infinity`, `-Infinity` and `NaN` as bare
 * tokens; diffusers' DPMSolver configs contain `"lambda_min_clipped": -Infinity`.
 *
 * NaN becomes the string "NaN", so that a schema which expects a number rejects it by its value.
 *
 * @throws SyntaxError
 */
export function parsePythonJson(text: string): unknown {
  return JSON.parse(
    text.replace(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g, (part) => tokens[part] ?? part),
  );
}

/** 1e999 overflows to Infinity. */
const tokens: Readonly<Record<string, string>> = { Infinity: "1e999", "-Infinity": "-1e999", NaN: '"NaN"' };
