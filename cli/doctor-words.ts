import { secondsFor } from "../gpu-worker/capacity/measure-rates.ts";
import type { DoctorReport, ModelReport, Probe } from "./doctor.ts";
import { type Device, devices } from "./engine.ts";

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

/** What is missing where a device does not work, and how to come by it. */
const remedies: Readonly<Partial<Record<Device, string>>> = {
  webgpu: "Needs a GPU with a Vulkan, Metal or Direct3D 12 driver.",
  cuda:
    "Needs an NVIDIA GPU with its driver, and onnxruntime-node installed with its CUDA libraries " +
    "(linux x64; ONNXRUNTIME_NODE_INSTALL not set to skip).",
};

export function describeDoctor(report: DoctorReport): string {
  const { memory } = report;
  return [
    `visii ${report.version} on ${report.system}`,
    `${report.processor}, ${report.threads} threads; ${gigabytes(memory.available)} of ${gigabytes(memory.total)} memory free`,
    "",
    "Devices",
    ...devices.map((device) => `  ${device.padEnd(7)} ${describeProbe(device, report.devices[device])}`),
    "",
    "Models (times are estimates from the rates above, for what the model's own settings ask)",
    ...report.models.flatMap((model) => describeModel(model, report)),
  ].join("\n");
}

function describeProbe(device: Device, probe: Probe): string {
  if (!probe.works) return `not usable: ${probe.reason}. ${remedies[device] ?? ""}`.trimEnd();
  const { convolution, product, traffic } = probe.rates;
  return (
    `works: self-test within ${probe.deviation.toExponential(0)}; convolutions ${giga(convolution)} GFLOP/s, ` +
    `matrix products ${giga(product)} GFLOP/s, elementwise ${giga(traffic)} GB/s`
  );
}

function describeModel(
  { name, needs, problem }: ModelReport,
  { devices: found, memory }: DoctorReport,
): string[] {
  if (!needs) return [`  ${name}: cannot be opened. ${problem}`];
  const { learn, edit } = needs;
  const lines = devices.flatMap((device) => {
    const probe = found[device];
    if (!probe.works) return [];
    const [step, whole] = [secondsFor(learn.step, probe.rates), secondsFor(edit.whole, probe.rates)];
    return [`    on ${device}: about ${seconds(step)} a learning step, ${seconds(whole)} an edit`];
  });
  const [most, least] = [learn, edit].map(({ weights, activations }) => weights + activations) as [
    number,
    number,
  ];
  const fits = (bytes: number) => (bytes < memory.available ? "" : ", MORE THAN IS FREE");
  return [
    `  ${name} at ${needs.width}×${needs.height}`,
    ...lines,
    `    memory at least: ${gigabytes(most)} to learn${fits(most)}, ${gigabytes(least)} to edit${fits(least)}`,
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
