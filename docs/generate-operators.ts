import { vjpRules } from "../engine/autodiff/vjp-rules.ts";
import { lowered, onnxForms } from "../engine/graph/encode-operators.ts";
import type { Attributes, OpType } from "../engine/graph/operators.ts";
import { type OperatorCase, operatorCases } from "../tests/engine/numerics/operator-cases.ts";

/** Generates docs/operators.md from the operator tables, with one row per operator. */
export function operatorsPage(): string {
  const rows = Object.entries(operatorCases) as [OpType, readonly OperatorCase[]][];
  return `# Operators

Generated from the operator tables by \`npm run docs\`; a test checks that it is current. \`engine/graph/operators.ts\` defines
semantics and shapes. Tests compare each case with a float64 reference, central differences and PyTorch.

| operator | ONNX | inputs | attributes | derivative | cases |
|---|---|---|---|---|---|
${rows.map(([op, cases]) => row(op, cases)).join("\n")}

${rows.length} operators, ${rows.reduce((sum, [, cases]) => sum + cases.length, 0)} cases.
`;
}

function row(op: OpType, cases: readonly OperatorCase[]): string {
  const counts = [...new Set(cases.map(({ inputs }) => inputs.length))].sort((a, b) => a - b);
  const attributes = Object.keys(cases[0]!.attributes).map((name) => `\`${name}\``);
  const cells = [
    `\`${op}\``,
    onnxForm(op, cases),
    counts.length > 1 ? `${counts[0]}–${counts.at(-1)}` : String(counts[0]),
    attributes.join(", ") || "—",
    derivative(op),
    String(cases.length),
  ];
  return `| ${cells.join(" | ")} |`;
}

function derivative(op: OpType): string {
  const rule = vjpRules[op];
  return typeof rule === "string" ? rule : "yes";
}

/** The ONNX operators that encode this one in its cases, with the domain if it is not ONNX's. */
function onnxForm(op: OpType, cases: readonly OperatorCase[]): string {
  const formOf = onnxForms[op] as (attributes: Attributes<OpType>) => ReturnType<(typeof onnxForms)[OpType]>;
  const forms = cases.map(({ attributes }) => {
    const form = formOf(attributes);
    if (form === lowered) return "several nodes";
    return form.domain ? `\`${form.domain}.${form.type}\`` : `\`${form.type}\``;
  });
  return [...new Set(forms)].join(" or ");
}
