import { TransactionCanceledException } from "@aws-sdk/client-dynamodb";
import { RetryableError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import { failureName } from "./service-failure.ts";

/** Attempts of a write that conflicts with another transaction. */
const attempts = 10;
/** Maximum milliseconds before the second attempt; doubles for each further one. */
const firstWait = 20;
const longestWait = 1000;

/**
 * Retries a write while DynamoDB cancels it because another transaction writes the same row. `call` must be
 * safe to repeat. DynamoDB checks for conflicts before conditions, so a transaction conflict does not imply a
 * failed condition.
 *
 * @returns `"conflict"` if a condition does not hold
 * @throws RetryableError after too many conflicts
 */
export async function unlessCanceled<Result>(
  clock: Clock,
  call: () => Promise<Result>,
): Promise<Result | "conflict"> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      const reasons = cancellationReasons(error);
      if (!reasons) throw error;
      if (reasons.includes("ConditionalCheckFailed")) return "conflict";
      if (!reasons.some((reason) => transient.has(reason))) throw error;
      if (attempt === attempts)
        throw new RetryableError(`other transactions wrote the same row ${attempts} times`, { cause: error });
      const wait = Math.min(longestWait, firstWait * 2 ** (attempt - 1));
      await clock.sleep(wait * (0.5 + Math.random() / 2));
    }
  }
}

const transient = new Set(["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"]);

/** Reasons for which a transaction or a single write was canceled; undefined for other errors. */
function cancellationReasons(error: unknown): readonly string[] | undefined {
  if (error instanceof TransactionCanceledException)
    return (error.CancellationReasons ?? []).map(({ Code }) => Code ?? "None");
  const name = failureName(error);
  return name === "TransactionConflictException" || name === "TransactionInProgressException"
    ? ["TransactionConflict"]
    : undefined;
}
