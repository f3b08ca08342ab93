/** Estimates of what a machine can run, and how fast. */
export { measureRates, type Rates, secondsFor } from "../capacity/measure-rates.ts";
export { type ModelNeeds, needsOf } from "../capacity/model-needs.ts";
export { requireMemory } from "../capacity/require-memory.ts";
export { selfTest, tolerances } from "../capacity/self-test.ts";
export { explainDeviceFailure } from "../runtime/device-failure.ts";
