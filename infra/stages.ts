import type { PoolName, PoolSize } from "../scaler/policy.ts";

/** What differs between deployments. */
export interface StageSettings {
  /** `cuda` takes machines with GPUs; `cpu` runs the same work, slowly, on Fargate, with none of them. */
  readonly device: "cuda" | "cpu";
  readonly pools: Readonly<Record<PoolName, PoolSize>>;
  /** A folder of `models/` in the bucket, as `publish-model.mts` put it there. A new version is a new name. */
  readonly model: string;
  /** Data outlives `sst remove`, which is refused besides. */
  readonly lasting: boolean;
  /** `managed` costs about 33 USD a month for each of two zones; `ec2` about 4, on a small instance that AWS does not mend. */
  readonly nat: "managed" | "ec2";
  readonly logDays: 7 | 14 | 30 | 90;
  /** US dollars that the account may cost a month before somebody is told. */
  readonly monthlyBudget: number;
  /** Before the API, about 8 USD a month: refuses an address that asks too often (`shared/request-rate.ts`). */
  readonly firewall: boolean;
  /** Functions that nobody may starve have Lambda's concurrency to themselves. Wants a quota of 1,000. */
  readonly reserves: boolean;
  /** Of the keys that the API makes. */
  readonly keys: "live" | "test";
}

const development: StageSettings = {
  device: "cuda",
  pools: {
    interactive: { minimum: 0, maximum: 1, onDemandBase: 0 },
    bulk: { minimum: 0, maximum: 1, onDemandBase: 0 },
  },
  model: "instruct-pix2pix/1",
  lasting: false,
  nat: "ec2",
  logDays: 7,
  monthlyBudget: 100,
  firewall: false,
  reserves: false,
  keys: "test",
};

const stages: Readonly<Record<string, StageSettings>> = {
  production: {
    device: "cuda",
    pools: {
      // Of the days in docs/simulation.md these keep every promise but that of a quiet day, which wants a minimum of 1.
      interactive: { minimum: 0, maximum: 16, onDemandBase: 1 },
      bulk: { minimum: 0, maximum: 24, onDemandBase: 0 },
    },
    model: "instruct-pix2pix/1",
    lasting: true,
    nat: "managed",
    logDays: 90,
    monthlyBudget: 2000,
    firewall: true,
    reserves: true,
    keys: "live",
  },
  "cpu-only": { ...development, device: "cpu", monthlyBudget: 50 },
};

/** On everything that a stage makes and pays for, so that its costs can be told from another's. */
export const tagsOf = (stage: string) => ({ project: "visii", stage });

/** Any other name is somebody's own development stage. */
export const stageSettings = (name: string): StageSettings =>
  (Object.hasOwn(stages, name) ? stages[name] : undefined) ?? development;
