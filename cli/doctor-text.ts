import { secondsFor } from "visii-engine/capacity";
import { showBytes } from "../shared/show-bytes.ts";
import type { DoctorReport, ModelReport, Probe } from "./doctor-report.ts";
import { devices } from "./engine.ts";
import { shellWords } from "./shell-words.ts";

/** Formats the report of `visii doctor` as text. */
export function describeDoctor(report: DoctorReport): string {
  const { memory } = report;
  return [
    `visii ${report.version} on ${report.system}`,
    `${report.processor}, ${report.threads} threads; ${showBytes(memory.available)} of ${showBytes(memory.total)} memory free`,
    "",
    "Devices (values of --device)",
    ...devices.map((device) => `  ${device.padEnd(7)} ${describeProbe(report.devices[device])}`),
    "",
    "Models (values of --model). Times are estimates from the speeds above at the model's default settings; memory is the minimum.",
    ...report.models.flatMap((model) => describeModel(model, report)),
  ].join("\n");
}

function describeProbe(probe: Probe): string {
  if (!probe.works) return `not available: ${probe.reason}`;
  const { convolution, product, traffic } = probe.rates;
  return (
    `available: relative error of a test calculation ${probe.deviation.toExponential(0)}. Speed: convolutions ${giga(convolution)} and ` +
    `matrix products ${giga(product)} billion operations a second, memory ${giga(traffic)} GB a second`
  );
}

function describeModel(
  { name, needs, steps, problem }: ModelReport,
  { devices: found, memory }: DoctorReport,
): string[] {
  if (!needs) return [`  ${name} is not usable: ${problem}`];
  const { learn, edit } = needs;
  const lines = devices.flatMap((device) => {
    const probe = found[device];
    if (!probe.works) return [];
    const [step, whole] = [secondsFor(learn.step, probe.rates), secondsFor(edit.whole, probe.rates)];
    const run = steps === undefined ? "" : ` (${steps} steps: ${seconds(steps * step)})`;
    return [`    on ${device}: about ${seconds(step)} per learning step${run}, ${seconds(whole)} per edit`];
  });
  const [most, least] = [learn, edit].map(({ weights, activations }) => weights + activations) as [
    number,
    number,
  ];
  const fits = (bytes: number) => (bytes < memory.available ? "" : ", MORE THAN AVAILABLE");
  return [
    `  ${shellWords([name])}, images of ${needs.width}×${needs.height}`,
    ...lines,
    `    memory: ${showBytes(most)} to learn${fits(most)}, ${showBytes(least)} to edit${fits(least)}`,
  ];
}

function giga(rate: number): string {
  const value = rate / 1e9;
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}

function seconds(value: number): string {
  if (value >= 100) return `${Math.round(value / 60)} min`;
  return `${value < 1 ? value.toFixed(2) : value.toFixed(value < 10 ? 1 : 0)} s`;
}
