import { stageSettings, tagsOf } from "./stages.ts";

/** Settings of the deployed stage. */
export const stage = stageSettings($app.stage);

/** Tags for machines and disks, which AWS creates without the default tags. */
export const tags = tagsOf($app.stage);

/** A name that is unique to the stage. */
export const named = (noun: string): string => `${$app.name}-${$app.stage}-${noun}`;

/** Settings from the environment or from `.env.STAGE`, which do not belong in a public repository. */
export const deployer = {
  /** A domain in this account's Route 53. */
  domain: process.env.VISII_DOMAIN,
  /** E-mail address for alarms and budget notices. */
  alarmEmail: process.env.VISII_ALARM_EMAIL,
  /** A worker image that was built elsewhere, for deployments without Docker. */
  workerImage: process.env.VISII_WORKER_IMAGE,
  /** Scope of the budget: `account`, or `stage` once its tags are activated for billing. */
  budgetOf: oneOf("VISII_BUDGET_OF", ["account", "stage"]),
} as const;

/** Value of a variable; the first word by default. @throws for any other word */
function oneOf<Word extends string>(variable: string, words: readonly [Word, ...Word[]]): Word {
  const value = process.env[variable];
  const word = value === undefined ? words[0] : words.find((each) => each === value);
  if (word === undefined) throw new Error(`${variable} is "${value}"; it must be ${words.join(" or ")}.`);
  return word;
}
