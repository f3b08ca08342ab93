import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { arch, cpus, platform, totalmem } from "node:os";
import type { Command } from "commander";
import type { Rates } from "visii-engine/capacity";
import { listStored } from "visii-engine/model-store";
import { cacheOptions } from "./cache-location.ts";
import type { Context } from "./context.ts";
import { type DoctorReport, type ModelReport, type Probe, probeSchema } from "./doctor-report.ts";
import { describeDoctor } from "./doctor-text.ts";
import { type DeviceKind, devices } from "./engine.ts";
import { parseSize, type Size } from "./image-size.ts";
import { availableMemory } from "./machine-memory.ts";
import { modelFolder, modelStoreRoot } from "./model-location.ts";
import { packageVersion } from "./package-version.ts";
import { nonEmpty, oneOf } from "./parse-values.ts";

interface DoctorOptions {
  readonly model?: string;
  readonly size?: Size;
  readonly probe?: DeviceKind;
  readonly json?: boolean;
}

/** Seconds after which an unresponsive device is reported as broken. */
const probeTimeout = 120;

/** Adds `visii doctor`. */
export function addDoctorCommand(program: Command, context: Context): void {
  program
    .command("doctor")
    .description("report what this machine can run: devices, memory, models, and estimated times")
    .option(
      "--model <ID|DIR|mini>",
      "check only this model (default: mini and all pulled models)",
      nonEmpty("--model"),
    )
    .option("--size <N|WxH>", "image size in pixels (default: the model's)", parseSize("--size"))
    .addOption(program.createOption("--probe <device>").argParser(oneOf("--probe", devices)).hideHelp())
    .action((options: DoctorOptions) =>
      options.probe ? probe(context, options.probe) : doctor(context, options),
    );
}

async function doctor({ progress, print }: Context, options: DoctorOptions): Promise<void> {
  const found: Partial<Record<DeviceKind, Probe>> = {};
  for (const [index, device] of devices.entries()) {
    progress.update({ stage: `testing ${device}`, step: index, steps: devices.length });
    found[device] = await probeApart(device);
  }
  const names = options.model
    ? [options.model]
    : ["mini", ...(await listStored(modelStoreRoot())).filter(({ record }) => record).map(({ id }) => id)];
  const models: ModelReport[] = [];
  for (const name of names) {
    progress.update({ stage: `reading ${name}`, step: models.length, steps: names.length });
    models.push(await reportOn(name, options.size));
  }
  progress.clear();
  const report: DoctorReport = {
    version: packageVersion(),
    system: `Node ${process.versions.node}, ${platform()} ${arch()}`,
    processor: cpus()[0]?.model.trim() ?? "unknown processor",
    threads: cpus().length,
    memory: { total: totalmem(), available: availableMemory() },
    devices: found as Record<DeviceKind, Probe>,
    models,
  };
  print(options.json ? JSON.stringify(report) : describeDoctor(report));
}

async function reportOn(name: string, size: Size | undefined): Promise<ModelReport> {
  try {
    const { ModelCache, readModelFolder } = await import("visii-engine/models");
    const { needsOf } = await import("visii-engine/capacity");
    const cache = cacheOptions();
    const model = await readModelFolder(modelFolder(name), cache && new ModelCache(cache));
    const { resolution, inversion } = model.defaults;
    const needs = needsOf(model, size?.width ?? resolution, size?.height ?? resolution);
    return { name, needs, steps: inversion.steps };
  } catch (error) {
    return { name, problem: error instanceof Error ? error.message : String(error) };
  }
}

/** Tests a device in a child process, so that a crashing driver does not end the command. */
function probeApart(device: DeviceKind): Promise<Probe> {
  const bin = createRequire(import.meta.url).resolve("visii/bin.js");
  return new Promise((resolve) => {
    const words = [bin, "doctor", "--probe", device];
    execFile(process.execPath, words, { timeout: probeTimeout * 1000 }, (error, stdout) => {
      const last = stdout.trimEnd().split("\n").at(-1) ?? "";
      const parsed = probeSchema.safeParse(last.startsWith("{") ? JSON.parse(last) : undefined);
      if (parsed.success) resolve(parsed.data);
      else if (error?.killed) resolve({ works: false, reason: `no response within ${probeTimeout} s` });
      else
        resolve({
          works: false,
          reason: `crashed${error?.signal ? ` (${error.signal})` : ""} during the test`,
        });
    });
  });
}

/** The child process of {@link probeApart}. */
async function probe({ print }: Context, device: DeviceKind): Promise<void> {
  const { measureRates, selfTest, tolerances, explainDeviceFailure } = await import("visii-engine/capacity");
  const answer = (found: Probe) => print(JSON.stringify(found));
  try {
    const deviation = await selfTest(device);
    if (!(deviation < tolerances[device])) {
      answer({
        works: false,
        reason: `wrong results: relative error of a test calculation is ${deviation.toPrecision(2)}`,
      });
      return;
    }
    const rates: Rates = await measureRates(device, { now: () => performance.now() / 1000 });
    answer({ works: true, deviation, rates });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    answer({ works: false, reason: explainDeviceFailure(device, cause) });
  }
}
