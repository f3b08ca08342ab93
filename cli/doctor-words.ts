import { secondsFor } from "visii-engine/capacity";
import { showBytes } from "../shared/show-bytes.ts";
import type { DoctorReport, ModelReport, Probe } from "./doctor-report.ts";
import { devices } from "./engine.ts";
import { shellWords } from "./shell-words.ts";

export function describeDoctor(report: DoctorReport): string {
  const { memory } = report;
  return [
    `visii ${report.version} on ${report.system}`,
    `${report.processor}, ${report.threads} threads; ${showBytes(memory.available)} of ${showBytes(memory.total)} memory free`,
    "",
    "Devices (what --device takes)",
    ...devices.map((device) => `  ${device.padEnd(7)} ${describeProbe(report.devices[device])}`),
    "",
    "Models (what --model takes). Times are estimated from the speeds above, for the model's own settings; memory is the least that is needed.",
    ...report.models.flatMap((model) => describeModel(model, report)),
  ].join("\n");
}

function describeProbe(probe: Probe): string {
  if (!probe.works) return `does not work here: ${probe.reason}`;
  const { convolution, product, traffic } = probe.rates;
  return (
    `works: a test calculation is right to ${probe.deviation.toExponential(0)}. Speed: convolutions ${giga(convolution)} and ` +
    `matrix products ${giga(product)} billion operations a second, memory ${giga(traffic)} GB a second`
  );
}

function describeModel(
  { name, needs, steps, problem }: ModelReport,
  { devices: found, memory }: DoctorReport,
): string[] {
  if (!needs) return [`  ${name} cannot be used: ${problem}`];
  const { learn, edit } = needs;
  const lines = devices.flatMap((device) => {
    const probe = found[device];
    if (!probe.works) return [];
    const [step, whole] = [secondsFor(learn.step, probe.rates), secondsFor(edit.whole, probe.rates)];
    const run = steps === undefined ? "" : ` (${steps} of them: ${seconds(steps * step)})`;
    return [
      `    on ${device}: about ${seconds(step)} for a learning step${run}, ${seconds(whole)} for an edit`,
    ];
  });
  const [most, least] = [learn, edit].map(({ weights, activations }) => weights + activations) as [
    number,
    number,
  ];
  const fits = (bytes: number) => (bytes < memory.available ? "" : ", MORE THAN IS FREE");
  return [
    `  ${shellWords([name])}, pictures of ${needs.width}×${needs.height}`,
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
