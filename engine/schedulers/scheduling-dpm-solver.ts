import { extrapolatedStep, preserving, requireOrder } from "./multistep.ts";
import type { Scheduler } from "./scheduler.ts";
import type { SchedulerConfig } from "./scheduler-config.ts";
import { estimateClean, trainedSigmas } from "./sigmas.ts";
import { requireSteps, roundHalfToEven } from "./timestep-spacing.ts";

/** ρ of T. Karras et al. 2022, eq. 5. */
const rho = 7;

/**
 * DPM-Solver++ (2M), C. Lu et al. 2022, algorithm 2, with the noise levels of Karras et al.; diffusers'
 * `use_karras_sigmas`.
 */
export function makeDpmSolver(config: SchedulerConfig, steps: number): Scheduler {
  requireSteps(config, steps);
  requireOrder("dpmpp-2m-karras", steps);
  const trained = trainedSigmas(config);
  const sigmas = karrasSigmas(trained[0]!, trained.at(-1)!, steps);
  const round = config.betas.schedule === "squaredcos_cap_v2" ? Math.floor : roundHalfToEven;
  const logSigmas = trained.map((sigma) => Math.fround(Math.log(sigma)));
  const run = preserving(
    sigmas.map((sigma) => round(timestepOf(logSigmas, Math.log(sigma)))),
    [...sigmas.map(Math.fround), 0],
  );
  return {
    ...run,
    step(modelOutput, index, sample, _, history) {
      const clean = estimateClean(config.predictionType, run.levels[index]!, modelOutput, sample);
      const next = extrapolatedStep(run.levels, index, sample, clean, history?.[0]?.clean);
      history?.splice(0, 1, { clean, sample });
      return next;
    },
  };
}

/** Descending, evenly spaced in σ^(1/ρ). */
function karrasSigmas(min: number, max: number, count: number): number[] {
  const [from, to] = [max ** (1 / rho), min ** (1 / rho)];
  return Array.from({ length: count }, (_, k) => (from + (k / (count - 1)) * (to - from)) ** rho);
}

/** The timestep of a σ, interpolated linearly in log σ. */
function timestepOf(logSigmas: Float64Array, logSigma: number): number {
  const last = logSigmas.length - 2;
  const above = logSigmas.findIndex((value) => value > logSigma);
  const low = Math.min(above === -1 ? last : Math.max(above - 1, 0), last);
  const [from, to] = [logSigmas[low]!, logSigmas[low + 1]!];
  return low + Math.min(Math.max((logSigma - from) / (to - from), 0), 1);
}
