import type { ModelNeeds } from "visii-engine/capacity";
import { z } from "zod";
import type { DeviceKind } from "./engine.ts";

const ratesSchema = z.object({ convolution: z.number(), product: z.number(), traffic: z.number() });
export const probeSchema = z.union([
  z.object({ works: z.literal(true), deviation: z.number(), rates: ratesSchema }),
  z.object({ works: z.literal(false), reason: z.string() }),
]);
/** The result of testing one device. */
export type Probe = z.infer<typeof probeSchema>;

export interface ModelReport {
  readonly name: string;
  /** Absent if the model cannot be opened; `problem` gives the reason. */
  readonly needs?: ModelNeeds;
  /** Learning steps by the model's default settings. */
  readonly steps?: number;
  readonly problem?: string;
}

export interface DoctorReport {
  readonly version: string;
  readonly system: string;
  readonly processor: string;
  readonly threads: number;
  readonly memory: { readonly total: number; readonly available: number };
  readonly devices: Readonly<Record<DeviceKind, Probe>>;
  readonly models: readonly ModelReport[];
}
