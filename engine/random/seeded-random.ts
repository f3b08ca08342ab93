/**
 * Random numbers that depend only on a seed and a path of labels, so that any draw can be repeated on its
 * own: `new SeededRandom(7, "noise", 840)` is the noise of timestep 840, independent of earlier draws.
 *
 * Generator: xoshiro128** (Blackman & Vigna 2018), seeded through splitmix32. Not cryptographically secure.
 */
export class SeededRandom {
  readonly #state: Uint32Array;
  #spare: number | undefined;

  /** @param seed a whole number, 0 … 2^53 − 1 */
  constructor(seed: number, ...path: readonly (string | number)[]) {
    let hash = mix(seed >>> 0) ^ mix(Math.floor(seed / 2 ** 32) + 1);
    for (const label of path)
      for (const character of `${label}/`) hash = mix(hash ^ character.codePointAt(0)!);
    this.#state = Uint32Array.from({ length: 4 }, (_, i) => mix(hash + Math.imul(i + 1, 0x9e3779b9)));
  }

  /** Uniform in [0, 1) with 32 bits of resolution. */
  uniform(): number {
    const s = this.#state;
    const result = Math.imul(rotate(Math.imul(s[1]!, 5), 7), 9) >>> 0;
    const shifted = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= shifted;
    s[3] = rotate(s[3]!, 11);
    return result / 2 ** 32;
  }

  /** Fills `values` with `low + (high − low)·uniform()`, several times faster than single calls. */
  fillUniform(values: Float32Array, low: number, high: number): void {
    const scale = (high - low) / 2 ** 32;
    let s0 = this.#state[0]!;
    let s1 = this.#state[1]!;
    let s2 = this.#state[2]!;
    let s3 = this.#state[3]!;
    for (let i = 0; i < values.length; i++) {
      const x = Math.imul(s1, 5);
      values[i] = low + scale * (Math.imul((x << 7) | (x >>> 25), 9) >>> 0);
      const shifted = s1 << 9;
      s2 ^= s0;
      s3 ^= s1;
      s1 ^= s2;
      s0 ^= s3;
      s2 ^= shifted;
      s3 = (s3 << 11) | (s3 >>> 21);
    }
    this.#state.set([s0, s1, s2, s3]);
  }

  /** Standard normal, by the basic Box-Muller transform. */
  normal(): number {
    if (this.#spare !== undefined) {
      const spare = this.#spare;
      this.#spare = undefined;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  normals(count: number): Float32Array {
    return Float32Array.from({ length: count }, () => this.normal());
  }

  /** 0 … count − 1 in random order (Fisher–Yates). */
  permutation(count: number): number[] {
    const order = Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = Math.floor(this.uniform() * (i + 1));
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    return order;
  }
}

function rotate(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}

/** splitmix32's finalizer: every input bit affects every output bit. */
function mix(x: number): number {
  let z = (x + 0x9e3779b9) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}
