import { afterEach, describe, expect, it } from "vitest";
import { handleEvent } from "../../scaler/handle.ts";
import { scalingPolicy, schedulePeriod } from "../../scaler/policy.ts";
import { lockTiming, scalePool } from "../../scaler/scale-pool.ts";
import { RetryableError } from "../../shared/errors.ts";
import { rowKeys } from "../../shared/rows.ts";
import { FakeAws } from "./fake-aws.ts";

const schedule = { source: "aws.scheduler" };
const inserted = (...keys: readonly string[]) => ({
  Records: keys.map((sk) => ({ dynamodb: { Keys: { pk: { S: "acc_1" }, sk: { S: sk } } } })),
});

let aws: FakeAws;
const start = (size?: ConstructorParameters<typeof FakeAws>[0]) => {
  aws = new FakeAws(size);
  return aws;
};
afterEach(() => aws?.stop());

/** Advances the clock until the work is done. */
async function withClock<Result>(work: Promise<Result>): Promise<Result> {
  let isDone = false;
  const end = work.finally(() => {
    isDone = true;
  });
  end.catch(() => {});
  while (!isDone) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    aws.clock.advance(100);
  }
  return end;
}

/** Scheduled runs. */
async function run(times = 1): Promise<void> {
  for (let time = 0; time < times; time++) {
    await handleEvent(schedule, aws.ports);
    aws.clock.advance(schedulePeriod * 1000);
  }
}

/** ECS starts all requested workers. */
const startWorkers = () => {
  for (const service of Object.values(aws.services)) service.running = service.desired;
};

describe("when a job is stored", () => {
  it("starts as many workers as the backlog needs, and their machines, in a pool without workers", async () => {
    start();
    aws.queues.interactive.visible = 80;
    await handleEvent(inserted("edt#edt_1"), aws.ports);
    // 80 edits of 6 s, 60 s per worker.
    expect(aws.resizes()).toEqual(["UpdateService interactive-spot 8"]);
    expect(aws.service("bulk-spot").desired).toBe(0);
    expect(aws.groups).toEqual({ "interactive-spot-machines": 8 });
  });

  it("starts workers only in the pool of its queue", async () => {
    start();
    aws.queues.bulk.visible = 1;
    await handleEvent(inserted("edt#edt_1"), aws.ports);
    expect(aws.resizes()).toEqual(["UpdateService bulk-spot 1"]);
    aws.queues.learning.visible = 1;
    await handleEvent(inserted("ins#ins_1"), aws.ports);
    expect(aws.resizes().slice(1)).toEqual(["UpdateService interactive-spot 2"]);
  });

  it("waits for a late message, and makes no call for a pool that has workers", async () => {
    start();
    let counts = 0;
    aws.delay = async (call) => {
      if (call === "GetQueueAttributes interactive" && ++counts === 2) aws.queues.interactive.visible = 1;
    };
    await withClock(handleEvent(inserted("edt#edt_1"), aws.ports));
    expect(aws.resizes()).toEqual(["UpdateService interactive-spot 1"]);
    const calls = aws.calls.length;
    aws.queues.interactive.visible = 0;
    await handleEvent(inserted("ins#ins_1"), aws.ports);
    expect(aws.calls.length).toBe(calls);
  });

  it("starts a worker although SQS's next count misses the message", async () => {
    start();
    aws.queues.interactive.visible = 1;
    let counts = 0;
    aws.delay = async (call) => {
      if (call === "GetQueueAttributes interactive" && ++counts === 2) aws.queues.interactive.visible = 0;
    };
    await handleEvent(inserted("edt#edt_1"), aws.ports);
    expect(aws.resizes()).toEqual(["UpdateService interactive-spot 1"]);
  });
});

describe("a scheduled run", () => {
  it("starts the first worker, adds workers for a backlog, and logs its decision with metrics", async () => {
    start();
    aws.queues.bulk.visible = 1;
    await run();
    expect(aws.service("bulk-spot").desired).toBe(1);
    aws.queues.bulk.visible = 200;
    await run();
    expect(aws.service("bulk-spot").desired).toBe(5);
    const line = aws.lines.findLast(({ facts }) => facts.Pool === "bulk");
    expect(line?.facts).toMatchObject({
      reason: "scale out",
      WorkersWanted: 5,
      WorkersRunning: 0,
      visible: { bulk: 200 },
      requested: { spot: 5, onDemand: 0 },
    });
    expect(JSON.stringify(line?.facts._aws)).toContain('"Dimensions":[["Stage","Pool"]]');
  });

  it("stays between minimum and maximum, and repeats no call", async () => {
    start({ minimum: 1, maximum: 4 });
    await run();
    startWorkers();
    await run(15);
    expect(aws.resizes()).toEqual(["UpdateService interactive-spot 1", "UpdateService bulk-spot 1"]);
    aws.queues.interactive.visible = 8000;
    await run(3);
    expect(aws.resizes().slice(2)).toEqual(["UpdateService interactive-spot 4"]);
  });

  it("removes surplus workers step by step, and all workers when idle", async () => {
    start();
    aws.queues.interactive.visible = 80;
    await run();
    startWorkers();
    Object.assign(aws.queues.interactive, { visible: 0, inFlight: 2 });
    const { surplusAfter, idleAfter } = scalingPolicy.interactive;
    await run(surplusAfter / schedulePeriod + 1);
    expect(aws.service("interactive-spot").desired).toBe(6);
    await run(surplusAfter / schedulePeriod);
    expect(aws.service("interactive-spot").desired).toBe(5);
    aws.queues.interactive.inFlight = 0;
    await run(idleAfter / schedulePeriod);
    expect(aws.service("interactive-spot").desired).toBeGreaterThan(0);
    await run();
    expect(aws.service("interactive-spot").desired).toBe(0);
  });

  it("removes no worker because of one wrong count", async () => {
    start();
    aws.queues.interactive.visible = 80;
    await run();
    startWorkers();
    Object.assign(aws.queues.interactive, { visible: 0, inFlight: 8 });
    for (let round = 0; round < 6; round++) {
      aws.queues.interactive.inFlight = 0;
      await run(2);
      aws.queues.interactive.inFlight = 8;
      await run(2);
    }
    expect(aws.service("interactive-spot").desired).toBe(8);
  });

  it("does not count a gap between two runs as idle time", async () => {
    start();
    aws.queues.interactive.visible = 1;
    await run();
    startWorkers();
    aws.queues.interactive.visible = 0;
    await run();
    aws.clock.advance(3600_000);
    await run();
    expect(aws.service("interactive-spot").desired).toBe(1);
  });

  it("does not replace a protected worker", async () => {
    start();
    aws.queues.interactive.visible = 1;
    await run();
    startWorkers();
    Object.assign(aws.queues.interactive, { visible: 0, inFlight: 0 });
    await run(11);
    expect(aws.service("interactive-spot")).toEqual({ desired: 0, running: 1 });
    // ECS keeps the protected task although 0 are desired.
    Object.assign(aws.queues.learning, { visible: 1, inFlight: 1 });
    await run();
    expect(aws.service("interactive-spot").desired).toBe(2);
    expect(aws.service("interactive-on-demand").desired).toBe(0);
  });
});

describe("when AWS rejects", () => {
  it("one call, the SDK retries it", async () => {
    start();
    aws.queues.bulk.visible = 1;
    let refused = 0;
    aws.refuse = (call) =>
      call.startsWith("UpdateService") && refused++ === 0 ? "ThrottlingException" : undefined;
    await run();
    expect(aws.resizes()).toEqual(["UpdateService bulk-spot 1"]);
  });

  it("a count, the pool is left unchanged until the next run, and the other pool is scaled", async () => {
    start();
    aws.queues.interactive.visible = 1;
    aws.queues.bulk.visible = 1;
    aws.refuse = (call) => (call === "GetQueueAttributes learning" ? "ThrottlingException" : undefined);
    await expect(run()).rejects.toThrow(RetryableError);
    expect(aws.resizes()).toEqual(["UpdateService bulk-spot 1"]);
    expect(aws.lines.some(({ message }) => message === "a pool could not be scaled")).toBe(true);
    aws.refuse = () => undefined;
    await run();
    expect(aws.service("interactive-spot").desired).toBe(1);
  });

  it("a resize, the next run repeats it", async () => {
    start();
    aws.queues.bulk.visible = 200;
    aws.refuse = (call) => (call.startsWith("UpdateService") ? "ServerException" : undefined);
    await expect(run()).rejects.toThrow();
    aws.refuse = () => undefined;
    aws.queues.bulk.visible = 0;
    aws.queues.bulk.inFlight = 4;
    await run();
    expect(aws.service("bulk-spot").desired).toBe(5);
  });

  it("an unknown service, the error contains its name", async () => {
    start();
    delete aws.services["bulk-spot"];
    await expect(run()).rejects.toThrow("the cluster workers has no service bulk-spot");
  });
});

describe("two concurrent runs", () => {
  it("run one after the other, and the second sees the result of the first", async () => {
    start();
    aws.queues.bulk.visible = 200;
    await withClock(Promise.all([scalePool("bulk", aws.ports), scalePool("bulk", aws.ports)]));
    expect(aws.resizes()).toEqual(["UpdateService bulk-spot 5"]);
    const described = aws.calls.indexOf("DescribeServices", aws.calls.indexOf("DescribeServices") + 1);
    expect(described).toBeGreaterThan(aws.calls.indexOf("UpdateService bulk-spot 5"));
  });

  it("wait for a run that crashed only until its lock expires", async () => {
    start();
    aws.queues.bulk.visible = 1;
    const lock = { ...rowKeys.scaler("bulk"), data: { lockedUntil: aws.clock.now() + lockTiming.lease } };
    await aws.table.insert(lock);
    const startedAt = aws.clock.now();
    await withClock(scalePool("bulk", aws.ports));
    expect(aws.clock.now() - startedAt).toBeGreaterThanOrEqual(lockTiming.lease);
    expect(aws.resizes()).toEqual(["UpdateService bulk-spot 1"]);
  });
});

describe("without Spot capacity", () => {
  const timeout = scalingPolicy.bulk.spotTimeout / schedulePeriod;

  it("on-demand workers replace missing Spot workers after a timeout, and stop when these run", async () => {
    start();
    Object.assign(aws.queues.bulk, { visible: 160 });
    await run();
    expect(aws.service("bulk-spot").desired).toBe(4);
    await run(timeout - 1);
    expect(aws.service("bulk-on-demand").desired).toBe(0);
    await run();
    expect(aws.service("bulk-on-demand").desired).toBe(4);
    aws.service("bulk-on-demand").running = 4;
    aws.service("bulk-spot").running = 3;
    await run();
    expect(aws.service("bulk-on-demand").desired).toBe(1);
    aws.service("bulk-spot").running = 4;
    await run();
    expect(aws.service("bulk-on-demand").desired).toBe(0);
    expect(aws.service("bulk-spot").desired).toBe(4);
  });

  it("no on-demand worker starts while Spot workers keep starting", async () => {
    start();
    aws.queues.bulk.visible = 300;
    for (let started = 1; started <= 7; started++) {
      await run(timeout);
      aws.service("bulk-spot").running = started;
    }
    await run();
    expect(aws.resizes()).toEqual(["UpdateService bulk-spot 8"]);
  });

  it("on-demand workers stay after a gap between two runs", async () => {
    start();
    aws.queues.bulk.visible = 40;
    await run(timeout + 1);
    expect(aws.service("bulk-on-demand").desired).toBe(1);
    aws.clock.advance(3600_000);
    await run();
    expect(aws.service("bulk-on-demand").desired).toBe(1);
  });

  it("on-demand workers start as soon as AWS reports it, and stop when Spot workers run", async () => {
    start();
    aws.queues.bulk.visible = 160;
    await run();
    aws.service("bulk-spot").running = 1;
    await handleEvent({ spotRefused: "bulk" }, aws.ports);
    expect(aws.service("bulk-on-demand").desired).toBe(3);
    expect(aws.groups["bulk-on-demand-machines"]).toBe(3);
    expect(aws.lines.at(-1)?.facts).toMatchObject({ Pool: "bulk", spot_refused: true });
    expect(aws.service("interactive-on-demand").desired).toBe(0);
    await run(2);
    expect(aws.service("bulk-on-demand").desired).toBe(3);
    aws.service("bulk-spot").running = 4;
    await run();
    expect(aws.service("bulk-on-demand").desired).toBe(0);
  });

  it("a report for a pool that needs no Spot worker changes nothing", async () => {
    start();
    await handleEvent({ spotRefused: "bulk" }, aws.ports);
    expect(aws.resizes()).toEqual([]);
  });

  it("the base is on demand, the rest on Spot", async () => {
    start({ onDemandBase: 1 });
    aws.queues.bulk.visible = 160;
    await run();
    expect(aws.service("bulk-on-demand").desired).toBe(1);
    expect(aws.service("bulk-spot").desired).toBe(3);
  });
});

describe("machines", () => {
  it("are requested with their workers, at most the group's maximum, and are never removed", async () => {
    start({ maximum: 16 });
    aws.groups["bulk-spot-machines"] = 2;
    aws.queues.bulk.visible = 40;
    await run();
    expect(aws.groups["bulk-spot-machines"]).toBe(2);
    aws.queues.bulk.visible = 640;
    await run();
    expect(aws.service("bulk-spot").desired).toBe(16);
    expect(aws.groups["bulk-spot-machines"]).toBe(9);
    Object.assign(aws.queues.bulk, { visible: 0 });
    await run(4);
    expect(aws.service("bulk-spot").desired).toBe(0);
    expect(aws.groups["bulk-spot-machines"]).toBe(9);
  });

  it("are left to ECS when AWS rejects the request; the workers are resized anyway", async () => {
    start();
    aws.queues.bulk.visible = 40;
    aws.refuse = (call) => (call.startsWith("SetDesiredCapacity") ? "ScalingActivityInProgress" : undefined);
    await run();
    expect(aws.service("bulk-spot").desired).toBe(1);
    expect(aws.groups).toEqual({});
    const line = aws.lines.find(({ message }) => message.startsWith("machines could not be requested"));
    expect(String(line?.facts.error)).toContain("ScalingActivityInProgress");
  });

  it("are not requested on Fargate, which has no groups", async () => {
    start();
    const { groups, ...bulk } = aws.ports.pools.bulk;
    aws.queues.bulk.visible = 40;
    await handleEvent(schedule, { ...aws.ports, pools: { ...aws.ports.pools, bulk } });
    expect(groups).toBeDefined();
    expect(aws.resizes()).toEqual(["UpdateService bulk-spot 1"]);
    expect(aws.groups).toEqual({});
  });
});
