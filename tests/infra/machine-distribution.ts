import { expect } from "vitest";
import type { Resource } from "./evaluate.ts";

/** Spot machines alone or on-demand machines alone, each chosen in the order of the types. */
export function requireKnownDistribution({ inputs }: Resource): void {
  expect(inputs.mixedInstancesPolicy).toMatchObject({
    instancesDistribution: {
      onDemandPercentageAboveBaseCapacity: expect.toBeOneOf([0, 100]),
      onDemandAllocationStrategy: "prioritized",
      spotAllocationStrategy: "capacity-optimized-prioritized",
    },
  });
}
