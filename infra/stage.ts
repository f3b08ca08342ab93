import { stageSettings, tagsOf } from "./stages.ts";

/** Of the stage that is being deployed. */
export const stage = stageSettings($app.stage);

/** For what AWS makes by itself (machines, their disks), which takes no tags from the program's defaults. */
export const tags = tagsOf($app.stage);

/** A name that no other stage of the account has. */
export const named = (noun: string): string => `${$app.name}-${$app.stage}-${noun}`;

/**
 * Told by the deployer's environment (`.env.STAGE` is read), because a public repository should not hold
 * them.
 */
export const deployer = {
  /** A domain of one's own, in this account's Route 53. */
  domain: process.env.VISII_DOMAIN,
  /** Who hears of alarms and of the budget. */
  alarmEmail: process.env.VISII_ALARM_EMAIL,
  /** An image built elsewhere, for whoever deploys without Docker. */
  workerImage: process.env.VISII_WORKER_IMAGE,
  /** Whose costs the budget counts: `account`, or `stage` when its tags are active for billing. */
  budgetOf: oneOf("VISII_BUDGET_OF", ["account", "stage"]),
} as const;

/** The first where nothing is said. A word that is none of these is a mistake of the deployer's. */
function oneOf<Word extends string>(variable: string, words: readonly [Word, ...Word[]]): Word {
  const said = process.env[variable];
  const word = said === undefined ? words[0] : words.find((each) => each === said);
  if (word === undefined) throw new Error(`${variable} is "${said}"; it must be ${words.join(" or ")}.`);
  return word;
}
