/** What a machine can run, and at what speed. */
export { measureRates, type Rates, secondsFor } from "../capacity/measure-rates.ts";
export { type ModelNeeds, needsOf } from "../capacity/model-needs.ts";
export { requireMemory } from "../capacity/require-memory.ts";
export { selfTest, tolerances } from "../capacity/self-test.ts";
export { whyNotUsable } from "../runtime/device-words.ts";
