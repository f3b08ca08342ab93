import type { SchedulerConfig } from "./scheduler-config.ts";

const f32 = Math.fround;

/**
 * βₜ for t = 0 … T − 1. Rounded to float32 at each operation like torch, because the models were trained on
 * these values, and the rescaling to zero terminal SNR subtracts nearly equal ones.
 */
export function makeBetas({ betas, trainTimesteps, zeroTerminalSnr }: SchedulerConfig): Float32Array {
  const values = makePlainBetas(betas, trainTimesteps);
  return zeroTerminalSnr ? rescaleToZeroTerminalSnr(values) : values;
}

function makePlainBetas(betas: SchedulerConfig["betas"], count: number): Float32Array {
  switch (betas.schedule) {
    case "trained":
      return Float32Array.from(betas.values);
    case "linear":
      return linspace(betas.start, betas.end, count);
    // Linear in √β: the schedule of latent diffusion.
    case "scaled_linear":
      return linspace(Math.sqrt(betas.start), Math.sqrt(betas.end), count).map((root) => root * root);
    case "squaredcos_cap_v2":
      return Float32Array.from({ length: count }, (_, t) =>
        Math.min(1 - cosineAlphaBar((t + 1) / count) / cosineAlphaBar(t / count), 0.999),
      );
  }
}

/** ᾱ at the relative time s in [0, 1] (A. Nichol and P. Dhariwal, "Improved DDPM", 2021, eq. 17). */
function cosineAlphaBar(s: number): number {
  return Math.cos((((s + 0.008) / 1.008) * Math.PI) / 2) ** 2;
}

/** `count` values from start to end in float32, each half computed from its own end, like torch. */
function linspace(start: number, end: number, count: number): Float32Array {
  const step = f32((f32(end) - f32(start)) / (count - 1));
  return Float32Array.from({ length: count }, (_, i) =>
    i < count / 2 ? f32(start) + step * i : f32(end) - step * (count - 1 - i),
  );
}

/**
 * Shifts and scales √ᾱ to keep its start and end at 0 (S. Lin et al., "Common Diffusion Noise Schedules and
 * Sample Steps are Flawed", 2023, algorithm 1).
 */
function rescaleToZeroTerminalSnr(betas: Float32Array): Float32Array {
  let product = 1;
  const roots = betas.map((beta) => {
    product *= f32(1 - beta);
    return Math.sqrt(f32(product));
  });
  const [first, last] = [roots[0]!, roots.at(-1)!];
  const scale = f32(first / f32(first - last));
  const alphaBars = roots.map((root) => f32(f32(root - last) * scale) ** 2);
  return alphaBars.map((alphaBar, t) => 1 - f32(t === 0 ? alphaBar : alphaBar / alphaBars[t - 1]!));
}
