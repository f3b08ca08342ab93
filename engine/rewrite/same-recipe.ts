import type { Value } from "../graph/value.ts";
import { isNode, type Scene } from "./rewrite-rule.ts";
import { sameAttributes } from "./same-attributes.ts";

/**
 * Returns true if two values are the same computation on the same inputs, possibly at different times
 * (`After`).
 */
export function sameRecipe(a: Value, b: Value, scene: Scene): boolean {
  const [left, right] = [atAnyTime(a, scene), atAnyTime(b, scene)];
  if (left === right) return true;
  const [p, q] = [scene.producer(left), scene.producer(right)];
  return (
    p !== undefined &&
    q !== undefined &&
    p.op === q.op &&
    p.outputs.indexOf(left) === q.outputs.indexOf(right) &&
    sameAttributes(p, q) &&
    p.inputs.length === q.inputs.length &&
    p.inputs.every((input, index) => sameRecipe(input, q.inputs[index]!, scene))
  );
}

function atAnyTime(value: Value, scene: Scene): Value {
  const node = scene.producer(value);
  return isNode(node, "After") ? atAnyTime(node.inputs[0]!, scene) : value;
}
