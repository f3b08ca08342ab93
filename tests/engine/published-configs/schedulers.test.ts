import { describe, expect, it } from "vitest";
import { parsePythonJson } from "../../../engine/files/parse-python-json.ts";
import { parseSchedulerConfig } from "../../../engine/schedulers/scheduler-config.ts";
import { asPythonWrites, configsOf, diffusers, otherValues } from "./published-configs.ts";

const parse = (config: unknown) =>
  parseSchedulerConfig(parsePythonJson(asPythonWrites(config)), "scheduler_config.json");
const named = (name: string, keys: object) => ({ _class_name: name, _diffusers_version: "0.1", ...keys });

const readable = [
  ...["DDIMInverseScheduler", "DDIMParallelScheduler", "DDIMScheduler"],
  ...["DDPMParallelScheduler", "DDPMScheduler", "DEISMultistepScheduler"],
  ...["DPMSolverMultistepInverseScheduler", "DPMSolverMultistepScheduler", "DPMSolverSDEScheduler"],
  ...["DPMSolverSinglestepScheduler", "EulerAncestralDiscreteScheduler", "EulerDiscreteScheduler"],
  ...["HeunDiscreteScheduler", "KDPM2AncestralDiscreteScheduler", "KDPM2DiscreteScheduler", "LCMScheduler"],
  ...[
    "LMSDiscreteScheduler",
    "PNDMScheduler",
    "SASolverScheduler",
    "TCDScheduler",
    "UniPCMultistepScheduler",
  ],
];

describe("the scheduler_config.json of every scheduler class and version of diffusers", () => {
  it.each(Object.entries(diffusers.schedulers))("%s is read, or refused by its name", (name, history) => {
    const configs = configsOf(history);
    expect(configs.length).toBeGreaterThan(0);
    for (const { version, keys } of configs) {
      if (!readable.includes(name)) {
        expect(() => parse(named(name, keys)), version).toThrow(
          new RegExp(
            `^scheduler_config\\.json: _class_name is "${name}", whose noise schedule is not supported`,
          ),
        );
        continue;
      }
      const { trainTimesteps, betas, predictionType, timestepSpacing } = parse(named(name, keys));
      expect(trainTimesteps).toBe(keys.num_train_timesteps);
      expect(betas).toEqual({ schedule: keys.beta_schedule, start: keys.beta_start, end: keys.beta_end });
      expect(predictionType).toBe(keys.prediction_type ?? "epsilon");
      expect(timestepSpacing).toBe(keys.timestep_spacing);
    }
  });

  it("has no key that is ignored, but those of samplers and features that are not used", () => {
    const keys = new Set<string>();
    const heeded = new Set<string>();
    for (const name of readable)
      for (const config of configsOf(diffusers.schedulers[name]!)) {
        const asWritten = JSON.stringify(parse(named(name, config.keys)));
        for (const [key, value] of Object.entries(config.keys)) {
          keys.add(key);
          const isHeeded = otherValues(value).some((other) => {
            try {
              return JSON.stringify(parse(named(name, { ...config.keys, [key]: other }))) !== asWritten;
            } catch (error) {
              expect(error).toMatchObject({ message: expect.stringContaining(`: ${key} `) });
              return true;
            }
          });
          if (isHeeded) heeded.add(key);
        }
      }
    expect([...keys].filter((key) => !heeded.has(key)).sort()).toEqual([
      ...["algorithm_type", "corrector_order", "disable_corrector", "dynamic_thresholding_ratio"],
      ...["euler_at_final", "flow_shift", "lambda_min_clipped", "lower_order_final", "noise_sampler_seed"],
      ...["predict_x0", "predictor_order", "sample_max_value", "set_alpha_to_zero", "shift_terminal"],
      ...["skip_prk_steps", "solver_order", "solver_p", "solver_type", "tau_func", "time_shift_type"],
      "variance_type",
    ]);
  });

  it("may contain Python's infinities, and is refused by name if it has NaN where a number is needed", () => {
    const text =
      '{"_class_name": "DPMSolverMultistepScheduler", "lambda_min_clipped": -Infinity, "a": "-Infinity", "b": NaN}';
    expect(parsePythonJson(text)).toMatchObject({
      lambda_min_clipped: Number.NEGATIVE_INFINITY,
      a: "-Infinity",
      b: "NaN",
    });
    expect(() => parseSchedulerConfig(parsePythonJson('{"beta_end": NaN}'), "scheduler_config.json")).toThrow(
      /^scheduler_config\.json: beta_end is not supported/,
    );
    expect(() => parsePythonJson('{"a": Infinitys}')).toThrow(SyntaxError);
  });
});
