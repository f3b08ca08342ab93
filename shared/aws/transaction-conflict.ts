import { TransactionCanceledException } from "@aws-sdk/client-dynamodb";
import { RetryableError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import { failureName } from "./service-failure.ts";

/** Attempts of a write whose row another transaction is writing. */
const attempts = 10;
/** Milliseconds before the second attempt at most; twice as long before each further one. */
const firstWait = 20;
const longestWait = 1000;

/**
 * Makes a write that DynamoDB may cancel because another transaction is writing the same row, until none is. `call` must be safe to
 * repeat. DynamoDB checks conditions after conflicts, so a conflict says nothing about them.
 *
 * @returns `"conflict"` when a condition of a transaction does not hold
 * @throws RetryableError when other transactions never let it through
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

/** Why a transaction, or a single write beside one, was canceled; undefined for every other failure. */
function cancellationReasons(error: unknown): readonly string[] | undefined {
  if (error instanceof TransactionCanceledException)
    return (error.CancellationReasons ?? []).map(({ Code }) => Code ?? "None");
  const name = failureName(error);
  return name === "TransactionConflictException" || name === "TransactionInProgressException"
    ? ["TransactionConflict"]
    : undefined;
}
