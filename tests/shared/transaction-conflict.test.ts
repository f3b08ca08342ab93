import { TransactionCanceledException } from "@aws-sdk/client-dynamodb";
import { describe, expect, it } from "vitest";
import { unlessCanceled } from "../../shared/aws/transaction-conflict.ts";
import { ManualClock } from "../contracts/manual-clock.ts";

const canceled = (...codes: string[]) =>
  new TransactionCanceledException({
    message: `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes.join(", ")}]`,
    $metadata: { httpStatusCode: 400 },
    CancellationReasons: codes.map((Code) => ({ Code })),
  });
/** DynamoDB's error for a single write while a transaction writes the row. */
const conflict = Object.assign(new Error("Transaction is ongoing for the item"), {
  name: "TransactionConflictException",
});

/** Returns these outcomes, one per call, then "written". */
function table(...answers: Error[]) {
  const state = { calls: 0 };
  const call = async () => {
    const answer = answers[state.calls++];
    if (answer) throw answer;
    return "written" as const;
  };
  return { state, call };
}
const clock = Object.assign(new ManualClock(), { sleep: async () => undefined });

describe("a write that conflicts with another transaction", () => {
  it("is retried until it succeeds", async () => {
    const { state, call } = table(
      canceled("None", "TransactionConflict"),
      conflict,
      canceled("ThrottlingError"),
    );
    expect(await unlessCanceled(clock, call)).toBe("written");
    expect(state.calls).toBe(4);
  });

  it("is not retried if a condition failed", async () => {
    const { state, call } = table(canceled("TransactionConflict", "ConditionalCheckFailed"));
    expect(await unlessCanceled(clock, call)).toBe("conflict");
    expect(state.calls).toBe(1);
  });

  it("throws a retryable error if it never succeeds", async () => {
    const { state, call } = table(...Array.from({ length: 50 }, () => conflict));
    await expect(unlessCanceled(clock, call)).rejects.toMatchObject({ name: "RetryableError" });
    expect(state.calls).toBe(10);
  });

  it("fails at once for any other reason", async () => {
    await expect(unlessCanceled(clock, table(canceled("ValidationError")).call)).rejects.toMatchObject({
      name: "TransactionCanceledException",
    });
    await expect(unlessCanceled(clock, table(new Error("no network")).call)).rejects.toThrow("no network");
  });
});
