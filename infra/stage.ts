import { stageSettings } from "./stages.ts";

export type { PoolSize } from "./stages.ts";

/** Of the stage that is being deployed. */
export const stage = stageSettings($app.stage);

/** A name that no other stage of the account has. */
export const named = (noun: string): string => `${$app.name}-${$app.stage}-${noun}`;

/** Told by the deployer's environment (`.env.STAGE` is read), because a public repository should not hold them. */
export const deployer = {
  /** A domain of one's own, in this account's Route 53. */
  domain: process.env.VISII_DOMAIN,
  /** Who hears of alarms and of the budget. */
  alarmEmail: process.env.VISII_ALARM_EMAIL,
  /** An image built elsewhere, for whoever deploys without Docker. */
  workerImage: process.env.VISII_WORKER_IMAGE,
} as const;
