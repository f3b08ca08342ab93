import type { PoolName, PoolSize } from "../scaler/policy.ts";

/** Settings of a stage. */
interface StageSettings {
  /** `cuda` uses GPU machines; `cpu` runs the same work, slowly, on Fargate. */
  readonly device: "cuda" | "cpu";
  readonly pools: Readonly<Record<PoolName, PoolSize>>;
  /**
   * A folder of `models/` in the bucket, uploaded by `publish-model.mts`. A new version requires a new name.
   */
  readonly model: string;
  /** Refuses `sst remove`, which would also retain the data. */
  readonly lasting: boolean;
  /**
   * `managed` costs about 33 USD a month per zone; `ec2` about 4, on a small instance that AWS does not
   * replace.
   */
  readonly nat: "managed" | "ec2";
  readonly logDays: 7 | 14 | 30 | 90;
  /** Monthly budget in US dollars; exceeding it sends a notice. */
  readonly monthlyBudget: number;
  /** Rate limit per IP address in front of the API (`shared/request-rate.ts`), about 8 USD a month. */
  readonly firewall: boolean;
  /** Reserved concurrency for critical functions. Requires a Lambda quota of 1,000. */
  readonly reserves: boolean;
  /** Environment of new API keys. */
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
      // Recommended by docs/simulation.md.
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

/** Tags of all billed resources of a stage, to separate its cost from other stages. */
export const tagsOf = (stage: string) => ({ project: "visii", stage });

/** All other names are development stages. */
export const stageSettings = (name: string): StageSettings =>
  (Object.hasOwn(stages, name) ? stages[name] : undefined) ?? development;
