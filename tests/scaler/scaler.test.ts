import { afterEach, describe, expect, it } from "vitest";
import { handleEvent } from "../../scaler/handle.ts";
import { lookPeriod, scalingPolicy } from "../../scaler/policy.ts";
import { scalePool, turnTiming } from "../../scaler/scale-pool.ts";
import { RetryableError } from "../../shared/errors.ts";
import { rowKeys } from "../../shared/rows.ts";
import { FakeAws } from "./fake-aws.ts";

const schedule = { source: "aws.scheduler" };
const stored = (...keys: readonly string[]) => ({
  Records: keys.map((sk) => ({ dynamodb: { Keys: { pk: { S: "acc_1" }, sk: { S: sk } } } })),
});

let aws: FakeAws;
const start = (size?: ConstructorParameters<typeof FakeAws>[0]) => {
  aws = new FakeAws(size);
  return aws;
};
afterEach(() => aws?.stop());

/** Time passes while work goes on, until it is done. */
async function passing<Result>(work: Promise<Result>): Promise<Result> {
  let over = false;
  const end = work.finally(() => {
    over = true;
  });
  end.catch(() => {});
  while (!over) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    aws.clock.advance(100);
  }
  return end;
}

/** Looks of the schedule, a period apart. */
async function look(times = 1): Promise<void> {
  for (let time = 0; time < times; time++) {
    await handleEvent(schedule, aws.ports);
    aws.clock.advance(lookPeriod * 1000);
  }
}

/** ECS has brought as many as are wanted. */
const arrive = () => {
  for (const service of Object.values(aws.services)) service.running = service.desired;
};

describe("a stored job", () => {
  it("wakes its sleeping pool at once, by as many workers as its backlog asks for", async () => {
    start();
    aws.queues.interactive.visible = 50;
    await handleEvent(stored("edt#edt_1"), aws.ports);
    // 50 edits of 6 s, 40 s for each worker.
    expect(aws.resizes()).toEqual(["UpdateService interactive-spot 8"]);
    expect(aws.service("bulk-spot").desired).toBe(0);
  });

  it("wakes the one pool that its message is for", async () => {
    start();
    aws.queues.bulk.visible = 1;
    await handleEvent(stored("edt#edt_1"), aws.ports);
    expect(aws.resizes()).toEqual(["UpdateService bulk-spot 1"]);
    aws.queues.learning.visible = 1;
    await handleEvent(stored("ins#ins_1"), aws.ports);
    expect(aws.resizes().slice(1)).toEqual(["UpdateService interactive-spot 3"]);
  });

  it("is looked for again where its message comes late, and asks nothing of a pool that is awake", async () => {
    start();
    let looks = 0;
    aws.delay = async (call) => {
      if (call === "GetQueueAttributes interactive" && ++looks === 2) aws.queues.interactive.visible = 1;
    };
    await passing(handleEvent(stored("edt#edt_1"), aws.ports));
    expect(aws.resizes()).toEqual(["UpdateService interactive-spot 1"]);
    const calls = aws.calls.length;
    aws.queues.interactive.visible = 0;
    await handleEvent(stored("ins#ins_1"), aws.ports);
    expect(aws.calls.length).toBe(calls);
  });

  it("wakes its pool though SQS's next count says that there is nothing", async () => {
    start();
    aws.queues.interactive.visible = 1;
    let counts = 0;
    aws.delay = async (call) => {
      if (call === "GetQueueAttributes interactive" && ++counts === 2) aws.queues.interactive.visible = 0;
    };
    await handleEvent(stored("edt#edt_1"), aws.ports);
    expect(aws.resizes()).toEqual(["UpdateService interactive-spot 1"]);
  });
});

describe("the schedule", () => {
  it("wakes what nobody woke, adds for a backlog, and says what it saw and why in a line that is a metric too", async () => {
    start();
    aws.queues.bulk.visible = 1;
    await look();
    expect(aws.service("bulk-spot").desired).toBe(1);
    aws.queues.bulk.visible = 200;
    await look();
    expect(aws.service("bulk-spot").desired).toBe(5);
    const line = aws.lines.findLast(({ facts }) => facts.Pool === "bulk");
    expect(line?.facts).toMatchObject({
      ...{ why: "track", WorkersWanted: 5, WorkersRunning: 0 },
      visible: { bulk: 200 },
      asked: { spot: 5, onDemand: 0 },
    });
    expect(JSON.stringify(line?.facts._aws)).toContain('"Dimensions":[["Stage","Pool"]]');
  });

  it("never asks for more than the maximum nor fewer than the minimum, and nothing twice", async () => {
    start({ minimum: 1, maximum: 4 });
    await look();
    arrive();
    await look(15);
    expect(aws.resizes()).toEqual(["UpdateService interactive-spot 1", "UpdateService bulk-spot 1"]);
    aws.queues.interactive.visible = 5000;
    await look(3);
    expect(aws.resizes().slice(2)).toEqual(["UpdateService interactive-spot 4"]);
  });

  it("takes all away after a rest, and a worker too many by and by", async () => {
    start();
    aws.queues.interactive.visible = 50;
    await look();
    arrive();
    Object.assign(aws.queues.interactive, { visible: 0, inFlight: 2 });
    const { surplusAfter, idleAfter } = scalingPolicy.interactive;
    await look(surplusAfter / lookPeriod + 1);
    expect(aws.service("interactive-spot").desired).toBe(6);
    await look(surplusAfter / lookPeriod);
    expect(aws.service("interactive-spot").desired).toBe(5);
    aws.queues.interactive.inFlight = 0;
    await look(idleAfter / lookPeriod);
    expect(aws.service("interactive-spot").desired).toBeGreaterThan(0);
    await look();
    expect(aws.service("interactive-spot").desired).toBe(0);
  });

  it("takes nobody away for one count that is wrong", async () => {
    start();
    aws.queues.interactive.visible = 50;
    await look();
    arrive();
    Object.assign(aws.queues.interactive, { visible: 0, inFlight: 8 });
    for (let round = 0; round < 6; round++) {
      aws.queues.interactive.inFlight = 0;
      await look(2);
      aws.queues.interactive.inFlight = 8;
      await look(2);
    }
    expect(aws.service("interactive-spot").desired).toBe(8);
  });

  it("does not take a gap between two looks for a rest", async () => {
    start();
    aws.queues.interactive.visible = 1;
    await look();
    arrive();
    aws.queues.interactive.visible = 0;
    await look();
    aws.clock.advance(3600_000);
    await look();
    expect(aws.service("interactive-spot").desired).toBe(1);
  });

  it("leaves a worker alone that a running job protects, and asks for no other in its place", async () => {
    start();
    aws.queues.interactive.visible = 1;
    await look();
    arrive();
    Object.assign(aws.queues.interactive, { visible: 0, inFlight: 0 });
    await look(11);
    expect(aws.service("interactive-spot")).toEqual({ desired: 0, running: 1 });
    // ECS keeps the protected task beyond what is desired; what it takes now keeps its pool from being counted as asleep.
    Object.assign(aws.queues.learning, { visible: 1, inFlight: 1 });
    await look();
    expect(aws.service("interactive-spot").desired).toBe(3);
    expect(aws.service("interactive-on-demand").desired).toBe(0);
  });
});

describe("when AWS refuses", () => {
  it("one call, the SDK asks again", async () => {
    start();
    aws.queues.bulk.visible = 1;
    let refused = 0;
    aws.refuse = (call) =>
      call.startsWith("UpdateService") && refused++ === 0 ? "ThrottlingException" : undefined;
    await look();
    expect(aws.resizes()).toEqual(["UpdateService bulk-spot 1"]);
  });

  it("a count, nothing is decided, the other pool is scaled all the same, and the next look makes up for it", async () => {
    start();
    aws.queues.interactive.visible = 1;
    aws.queues.bulk.visible = 1;
    aws.refuse = (call) => (call === "GetQueueAttributes learning" ? "ThrottlingException" : undefined);
    await expect(look()).rejects.toThrow(RetryableError);
    expect(aws.resizes()).toEqual(["UpdateService bulk-spot 1"]);
    expect(aws.lines.some(({ message }) => message === "a pool could not be scaled")).toBe(true);
    aws.refuse = () => undefined;
    await look();
    expect(aws.service("interactive-spot").desired).toBe(1);
  });

  it("a resize, the next look asks for it again, though it finds nothing new", async () => {
    start();
    aws.queues.bulk.visible = 200;
    aws.refuse = (call) => (call.startsWith("UpdateService") ? "ServerException" : undefined);
    await expect(look()).rejects.toThrow();
    aws.refuse = () => undefined;
    aws.queues.bulk.visible = 0;
    aws.queues.bulk.inFlight = 4;
    await look();
    expect(aws.service("bulk-spot").desired).toBe(5);
  });

  it("to know a service, its name is said", async () => {
    start();
    delete aws.services["bulk-spot"];
    await expect(look()).rejects.toThrow("the cluster workers has no service bulk-spot");
  });
});

describe("two at once", () => {
  it("take turns: the second sees what the first asked for", async () => {
    start();
    aws.queues.bulk.visible = 200;
    await passing(Promise.all([scalePool("bulk", aws.ports), scalePool("bulk", aws.ports)]));
    expect(aws.resizes()).toEqual(["UpdateService bulk-spot 5"]);
    const described = aws.calls.indexOf("DescribeServices", aws.calls.indexOf("DescribeServices") + 1);
    expect(described).toBeGreaterThan(aws.calls.indexOf("UpdateService bulk-spot 5"));
  });

  it("one that died in its turn keeps nobody longer than that turn", async () => {
    start();
    aws.queues.bulk.visible = 1;
    const died = { ...rowKeys.scaler("bulk"), data: { turnUntil: aws.clock.now() + turnTiming.turn } };
    await aws.table.insert(died);
    const begun = aws.clock.now();
    await passing(scalePool("bulk", aws.ports));
    expect(aws.clock.now() - begun).toBeGreaterThanOrEqual(turnTiming.turn);
    expect(aws.resizes()).toEqual(["UpdateService bulk-spot 1"]);
  });
});

describe("when Spot has no machine", () => {
  const patience = scalingPolicy.bulk.spotPatience / lookPeriod;

  it("machines on demand take its place after a while, and go when Spot has brought them", async () => {
    start();
    Object.assign(aws.queues.bulk, { visible: 160 });
    await look();
    expect(aws.service("bulk-spot").desired).toBe(4);
    await look(patience - 1);
    expect(aws.service("bulk-on-demand").desired).toBe(0);
    await look();
    expect(aws.service("bulk-on-demand").desired).toBe(4);
    aws.service("bulk-on-demand").running = 4;
    aws.service("bulk-spot").running = 3;
    await look();
    expect(aws.service("bulk-on-demand").desired).toBe(1);
    aws.service("bulk-spot").running = 4;
    await look();
    expect(aws.service("bulk-on-demand").desired).toBe(0);
    expect(aws.service("bulk-spot").desired).toBe(4);
  });

  it("nothing is bought on demand while Spot brings one after another", async () => {
    start();
    aws.queues.bulk.visible = 300;
    for (let brought = 1; brought <= 7; brought++) {
      await look(patience);
      aws.service("bulk-spot").running = brought;
    }
    await look();
    expect(aws.resizes()).toEqual(["UpdateService bulk-spot 8"]);
  });

  it("a look that failed forgets nobody on demand", async () => {
    start();
    aws.queues.bulk.visible = 40;
    await look(patience + 1);
    expect(aws.service("bulk-on-demand").desired).toBe(1);
    aws.clock.advance(3600_000);
    await look();
    expect(aws.service("bulk-on-demand").desired).toBe(1);
  });

  it("the base is on demand from the first, and the rest on Spot", async () => {
    start({ onDemandBase: 1 });
    aws.queues.bulk.visible = 160;
    await look();
    expect(aws.service("bulk-on-demand").desired).toBe(1);
    expect(aws.service("bulk-spot").desired).toBe(3);
  });
});
