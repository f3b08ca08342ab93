import { InternalError } from "../errors.ts";
import type { Graph, GraphNode } from "../graph/graph.ts";
import { GraphBuilder } from "../graph/graph-builder.ts";
import type { Value } from "../graph/value.ts";

/** The nodes before the current one, already rewritten. */
export interface Scene {
  /** The node that computes a value; undefined for inputs, weights and constants. */
  producer(value: Value): GraphNode | undefined;
  /** The nodes up to the current one that read a value. */
  users(value: Value): readonly GraphNode[];
}

/**
 * A local rewrite in three parts, which can be read and tested separately. `Found` is what the pattern binds.
 */
interface RuleParts<Found> {
  readonly name: string;
  /** Matches nodes that end in `node`; null if they do not match. */
  readonly pattern: (node: GraphNode, scene: Scene) => Found | null;
  /** The reason why the rewrite would be wrong, or null if it is right. */
  readonly check: (found: Found, scene: Scene) => string | null;
  /** Builds the replacement of the node's single output. */
  readonly rewrite: (found: Found, graph: GraphBuilder) => Value;
}

type Attempt = { readonly refused: string } | { readonly write: (graph: GraphBuilder) => Value } | null;

export interface RewriteRule {
  readonly name: string;
  readonly attempt: (node: GraphNode, scene: Scene) => Attempt;
}

export function rewriteRule<Found>({ name, pattern, check, rewrite }: RuleParts<Found>): RewriteRule {
  return {
    name,
    attempt: (node, scene) => {
      const found = pattern(node, scene);
      if (found === null) return null;
      const refused = check(found, scene);
      return refused === null ? { write: (graph) => rewrite(found, graph) } : { refused };
    },
  };
}

/** Result of a pass: the new graph, the number of rewrites, and the matches that failed their check. */
interface Rewritten {
  readonly graph: Graph;
  readonly applied: number;
  readonly refusals: readonly { readonly rule: string; readonly node: string; readonly reason: string }[];
}

/**
 * Visits a graph's nodes once and applies the first matching rule. Replaced nodes stay until they are removed
 * as dead.
 */
export function applyRules(graph: Graph, rules: readonly RewriteRule[]): Rewritten {
  const builder = GraphBuilder.rewriting(graph);
  const scene = new GrowingScene(builder);
  const refusals: { rule: string; node: string; reason: string }[] = [];
  const replaced = new Map<Value, Value>();
  const current = (value: Value): Value => replaced.get(value) ?? value;

  for (const original of graph.nodes) {
    const inputs = original.inputs.map(current);
    const node: GraphNode = inputs.every((input, index) => input === original.inputs[index])
      ? original
      : { ...original, inputs };
    const output = node.outputs[0]!;
    for (const rule of rules) {
      const attempt = rule.attempt(node, scene);
      if (attempt && "refused" in attempt)
        refusals.push({ rule: rule.name, node: output.name, reason: attempt.refused });
      else if (attempt) {
        if (node.outputs.length > 1)
          throw new InternalError(`${rule.name}: ${node.op} ${output.name} has more than one output`);
        replaced.set(output, attempt.write(builder));
        break;
      }
    }
    if (!replaced.has(output)) builder.nodes.push(node);
    scene.catchUp();
  }
  const outputs = new Map([...graph.outputs].map(([name, value]) => [name, current(value)]));
  return { graph: { ...graph, nodes: builder.nodes, outputs }, applied: replaced.size, refusals };
}

/** A node that a rule would replace in a graph. */
interface Place {
  readonly node: GraphNode;
  readonly write: (graph: GraphBuilder) => Value;
}

/** Every place where a rule applies to a graph as it is, without rewriting it. */
export function placesOf(graph: Graph, rules: readonly RewriteRule[]): readonly Place[] {
  const builder = GraphBuilder.rewriting(graph);
  const scene = new GrowingScene(builder);
  return graph.nodes.flatMap((node) => {
    const attempts = rules.map((rule) => rule.attempt(node, scene));
    const found = attempts.find((attempt) => attempt !== null && "write" in attempt);
    builder.nodes.push(node);
    scene.catchUp();
    return found && "write" in found ? [{ node, write: found.write }] : [];
  });
}

/** An index over a builder's nodes so far. */
class GrowingScene implements Scene {
  readonly #builder: GraphBuilder;
  readonly #producers = new Map<Value, GraphNode>();
  readonly #users = new Map<Value, GraphNode[]>();
  #seen = 0;

  constructor(builder: GraphBuilder) {
    this.#builder = builder;
  }

  producer(value: Value): GraphNode | undefined {
    return this.#producers.get(value);
  }

  users(value: Value): readonly GraphNode[] {
    return this.#users.get(value) ?? [];
  }

  catchUp(): void {
    for (; this.#seen < this.#builder.nodes.length; this.#seen++) {
      const node = this.#builder.nodes[this.#seen]!;
      for (const output of node.outputs) this.#producers.set(output, node);
      for (const input of new Set(node.inputs)) {
        const users = this.#users.get(input);
        if (users) users.push(node);
        else this.#users.set(input, [node]);
      }
    }
  }
}

/** Narrows a node to one operator, so that its attributes have their types. */
export function isNode<Op extends GraphNode["op"]>(
  node: GraphNode | undefined,
  op: Op,
): node is GraphNode<Op> {
  return node?.op === op;
}
