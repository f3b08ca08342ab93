import { Readable } from "node:stream";
import { ECSClient } from "@aws-sdk/client-ecs";
import { describe, expect, it } from "vitest";
import { runSmokeTask, smokeTiming } from "../../deployment/run-smoke-task.ts";
import { ManualClock } from "../contracts/manual-clock.ts";

const order = {
  cluster: "smoke",
  taskDefinition: "smoke:1",
  capacityProvider: "machines",
  subnets: ["subnet-1"],
  securityGroups: ["sg-1"],
};

/** Runs with a fake ECS. @param states the task in each call of DescribeTasks; the last one repeats */
async function run(
  states: readonly object[],
  started: object = { tasks: [{ taskArn: "arn:task/cluster/1f" }] },
  instances: object = { containerInstances: [{ ec2InstanceId: "i-1" }] },
) {
  const clock = new ManualClock();
  const calls: string[] = [];
  let described = 0;
  const handle = async (request: { headers: Record<string, string>; body: unknown }) => {
    const target = request.headers["x-amz-target"]!.split(".")[1]!;
    calls.push(target);
    const task = states[Math.min(described, states.length - 1)];
    if (target === "DescribeTasks") described++;
    const answers: Readonly<Record<string, object>> = {
      RunTask: started,
      DescribeTasks: { tasks: [task] },
      DescribeContainerInstances: instances,
    };
    const answer = answers[target] ?? {};
    const body = Readable.from([Buffer.from(JSON.stringify(answer))]);
    return { response: { statusCode: 200, headers: {}, body } };
  };
  const ecs = new ECSClient({
    region: "us-east-1",
    credentials: { accessKeyId: "a", secretAccessKey: "s" },
    requestHandler: { handle } as never,
  });
  let isDone = false;
  const end = runSmokeTask(ecs, clock, order).finally(() => {
    isDone = true;
  });
  end.catch(() => {});
  while (!isDone) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    clock.advance(smokeTiming.look);
  }
  return { result: await end, calls };
}

describe("a deployment's smoke run", () => {
  it("passes when the container exits with 0, whatever the download before it did, and names its machine", async () => {
    const { calls, result } = await run([
      { lastStatus: "PROVISIONING" },
      { lastStatus: "RUNNING" },
      {
        lastStatus: "STOPPED",
        containerInstanceArn: "arn:instance",
        containers: [
          { name: "model", exitCode: 1 },
          { name: "smoke", exitCode: 0 },
        ],
      },
    ]);
    const looks = ["DescribeTasks", "DescribeTasks", "DescribeTasks"];
    expect(calls).toEqual(["RunTask", ...looks, "DescribeContainerInstances"]);
    expect(result).toEqual({ taskId: "1f", instanceId: "i-1" });
  });

  it("passes on Fargate, which has no machine", async () => {
    const { result } = await run([{ lastStatus: "STOPPED", containers: [{ name: "smoke", exitCode: 0 }] }]);
    expect(result).toEqual({ taskId: "1f", instanceId: undefined });
  });

  it("fails if its machine no longer exists, because no image can be created from it", async () => {
    const stopped = { lastStatus: "STOPPED", containers: [{ name: "smoke", exitCode: 0 }] };
    await expect(run([{ ...stopped, containerInstanceArn: "arn:instance" }], undefined, {})).rejects.toThrow(
      "machine of the smoke run no longer exists; deploy again",
    );
  });

  it.each([
    [
      "whose result is wrong",
      [{ lastStatus: "STOPPED", containers: [{ name: "smoke", exitCode: 1 }] }],
      /smoke run .* failed \(exit code 1\)/,
    ],
    [
      "that cannot be pulled",
      [{ lastStatus: "STOPPED", stoppedReason: "CannotPullContainerError", containers: [{ name: "smoke" }] }],
      /exit code none\): CannotPullContainerError/,
    ],
    ["that gets no machine", [{ lastStatus: "PROVISIONING" }], /no machine started/],
    ["that never ends", [{ lastStatus: "RUNNING" }], /did not end/],
  ])("stops a deployment %s", async (_, states, message) => {
    await expect(run(states)).rejects.toThrow(message);
  });

  it("fails with the reason of ECS if ECS starts no task", async () => {
    await expect(run([{}], { failures: [{ reason: "RESOURCE:GPU" }] })).rejects.toThrow("RESOURCE:GPU");
  });
});
