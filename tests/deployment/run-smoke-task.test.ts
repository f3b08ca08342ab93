import { Readable } from "node:stream";
import { ECSClient } from "@aws-sdk/client-ecs";
import { describe, expect, it } from "vitest";
import { runSmokeTask, smokeTiming } from "../../deployment/run-smoke-task.ts";
import { ManualClock } from "../contracts/manual-clock.ts";

const order = {
  cluster: "workers",
  taskDefinition: "smoke:1",
  capacityProvider: "machines",
  subnets: ["subnet-1"],
  securityGroups: ["sg-1"],
};

/** ECS as the SDK hears it. @param states of the task, look by look; the last one stays */
async function play(states: readonly object[], run: object = { tasks: [{ taskArn: "arn:task" }] }) {
  const clock = new ManualClock();
  const calls: string[] = [];
  let looks = 0;
  const handle = async (request: { headers: Record<string, string>; body: unknown }) => {
    const target = request.headers["x-amz-target"]!.split(".")[1]!;
    calls.push(target);
    const task = states[Math.min(looks, states.length - 1)];
    if (target === "DescribeTasks") looks++;
    const answer = target === "RunTask" ? run : target === "DescribeTasks" ? { tasks: [task] } : {};
    const body = Readable.from([Buffer.from(JSON.stringify(answer))]);
    return { response: { statusCode: 200, headers: {}, body } };
  };
  const ecs = new ECSClient({
    region: "us-east-1",
    credentials: { accessKeyId: "a", secretAccessKey: "s" },
    requestHandler: { handle } as never,
  });
  let over = false;
  const end = runSmokeTask(ecs, clock, order).finally(() => {
    over = true;
  });
  end.catch(() => {});
  while (!over) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    clock.advance(smokeTiming.look);
  }
  await end;
  return calls;
}

describe("a deployment's smoke run", () => {
  it("lets the deployment go on when its task ends well", async () => {
    const calls = await play([
      { lastStatus: "PROVISIONING" },
      { lastStatus: "RUNNING" },
      { lastStatus: "STOPPED", containers: [{ exitCode: 0 }] },
    ]);
    expect(calls).toEqual(["RunTask", "DescribeTasks", "DescribeTasks", "DescribeTasks"]);
  });

  it.each([
    [
      "whose computation is wrong",
      [{ lastStatus: "STOPPED", containers: [{ exitCode: 1 }] }],
      /smoke run .* failed \(exit code 1\)/,
    ],
    [
      "that cannot be pulled",
      [{ lastStatus: "STOPPED", stoppedReason: "CannotPullContainerError", containers: [{}] }],
      /exit code none\): CannotPullContainerError/,
    ],
    ["that finds no machine", [{ lastStatus: "PROVISIONING" }], /no machine started/],
    ["that never ends", [{ lastStatus: "RUNNING" }], /did not end/],
  ])("stops a deployment %s", async (_, states, message) => {
    await expect(play(states)).rejects.toThrow(message);
  });

  it("names why ECS takes no task at all", async () => {
    await expect(play([{}], { failures: [{ reason: "RESOURCE:GPU" }] })).rejects.toThrow("RESOURCE:GPU");
  });
});
