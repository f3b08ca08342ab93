import type { ModelCache } from "../model-cache/model-cache.ts";
import { SeededRandom } from "../random/seeded-random.ts";
import { type DeviceRewrite, rewriteFor } from "../rewrite/cuda-rewrites.ts";
import type { OptimizedGraph } from "../rewrite/optimize.ts";
import { type Probe, probeOf } from "../rewrite/probe.ts";
import { deviceIdentity } from "../runtime/device-identity.ts";
import { type Device, Session, type SessionOptions } from "../runtime/session.ts";

/**
 * Maximum difference between the original and the rewritten nodes, relative to the largest element. In half
 * precision both round several times by 2⁻¹¹ = 4.9 · 10⁻⁴, in different places: 7.4 · 10⁻⁴ on a CPU, with the
 * new kernels expressed in ONNX's operators.
 */
const tolerances = { float32: 5e-5, float16: 3e-3 } as const;

/** Mean of the random inputs, whose standard deviation is 1, so that subtracting a mean is tested too. */
const inputMean = 0.5;

/**
 * Applies a rewrite on a device only after a test there: each distinct subgraph that it would rewrite is
 * computed in both forms on random inputs, with the model's weights.
 */
export class TestedRewrites {
  readonly #options: SessionOptions;
  readonly #note: (line: string) => void;
  readonly #onDisk: Pick<ModelCache, "remember"> | undefined;
  readonly #identify: (device: Device) => Promise<string | undefined>;
  /** By rewrite and probe: the reason why it is not used, or null. */
  readonly #verdicts = new Map<string, Promise<string | null>>();
  readonly #outcomes = new Map<string, string | null>();

  /**
   * @param note called with a message once for each rewrite that is left out
   * @param onDisk results of earlier tests on a device of this identity
   */
  constructor(
    options: SessionOptions,
    note: (line: string) => void = () => undefined,
    onDisk?: Pick<ModelCache, "remember">,
    identify = deviceIdentity,
  ) {
    this.#options = options;
    this.#note = note;
    this.#onDisk = onDisk;
    this.#identify = identify;
  }

  /** Applicable rewrites by name: null if applied, otherwise the reason why not. */
  get outcomes(): ReadonlyMap<string, string | null> {
    return this.#outcomes;
  }

  async apply(graph: OptimizedGraph, rewrites: readonly DeviceRewrite[]): Promise<OptimizedGraph> {
    let rewritten = graph;
    for (const rewrite of rewrites) {
      const probe = probeOf(rewritten, rewrite.rules(rewritten));
      if (!probe) continue;
      const reason = await this.#verdict(rewrite.name, probe);
      if (reason === null) rewritten = rewriteFor(rewritten, rewrite);
      else if (!this.#outcomes.get(rewrite.name))
        this.#note(
          `Device ${this.#options.device} computes without the rewrite "${rewrite.name}": ${reason}`,
        );
      this.#outcomes.set(rewrite.name, this.#outcomes.get(rewrite.name) ?? reason);
    }
    return rewritten;
  }

  #verdict(name: string, probe: Probe): Promise<string | null> {
    const key = `${name}\n${probe.signature}`;
    const verdict = this.#verdicts.get(key) ?? this.#judge(key, probe);
    this.#verdicts.set(key, verdict);
    return verdict;
  }

  /** Comparisons are stored; failures, such as for lack of memory, are not. */
  async #judge(key: string, probe: Probe): Promise<string | null> {
    const identity = this.#onDisk && (await this.#identify(this.#options.device));
    const test = () => testOn(probe, this.#options);
    try {
      const wholeKey = [identity, JSON.stringify(tolerances), key].join("\n");
      return (await (identity ? this.#onDisk!.remember(wholeKey, test) : test())) || null;
    } catch (cause) {
      // The runtime's own message, because the one around it is about an unavailable device.
      const inner = cause instanceof Error ? (cause.cause ?? cause) : cause;
      return (inner instanceof Error ? inner.message : String(inner)).split("\n")[0]!;
    }
  }
}

/**
 * Returns the reason why the two forms do not agree, or "" if they do.
 *
 * @throws the errors of a session
 */
async function testOn({ graph }: Probe, options: SessionOptions): Promise<string> {
  const session = await Session.create(graph, options);
  try {
    return compare(await session.run(drawInputs(graph)), tolerances[typeOf(graph)]) ?? "";
  } finally {
    await session.dispose();
  }
}

function drawInputs({ inputs }: OptimizedGraph): Record<string, Float32Array> {
  const random = new SeededRandom(1, "device self-test");
  const draw = (shape: readonly number[]) =>
    random.normals(shape.reduce((product, size) => product * size, 1)).map((x) => x + inputMean);
  return Object.fromEntries(inputs.map(({ name, shape }) => [name, draw(shape)]));
}

function compare(results: Readonly<Record<string, Float32Array>>, tolerance: number): string | null {
  for (const [name, plain] of Object.entries(results)) {
    if (!name.startsWith("plain_")) continue;
    const rewritten = results[name.replace("plain", "rewritten")]!;
    const scale = plain.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const largest = plain.reduce((most, x, i) => Math.max(most, Math.abs(x - rewritten[i]!)), 0);
    const deviation = largest / scale;
    // NaN fails too.
    if (!(deviation <= tolerance))
      return `its results differ by ${deviation.toPrecision(2)} of the largest element; the limit is ${tolerance}.`;
  }
  return null;
}

function typeOf({ nodes }: OptimizedGraph): keyof typeof tolerances {
  const isHalf = nodes.some(({ outputs }) => outputs.some(({ dtype }) => dtype === "float16"));
  return isHalf ? "float16" : "float32";
}
