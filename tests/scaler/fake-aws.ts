import { Readable } from "node:stream";
import { AutoScalingClient } from "@aws-sdk/client-auto-scaling";
import { ECSClient } from "@aws-sdk/client-ecs";
import { SQSClient } from "@aws-sdk/client-sqs";
import { MemoryTable } from "../../research/bench/batch/memory-table.ts";
import { AutoScalingGroups } from "../../scaler/auto-scaling-groups.ts";
import { EcsServices } from "../../scaler/ecs-services.ts";
import type { ScalerPorts } from "../../scaler/scale-pool.ts";
import { SqsJobQueue } from "../../shared/aws/sqs-job-queue.ts";
import type { Log, LogFacts } from "../../shared/ports/log.ts";
import type { QueueName } from "../../shared/queue-timing.ts";
import { ManualClock } from "../contracts/manual-clock.ts";

interface Service {
  desired: number;
  running: number;
}

/**
 * ECS, SQS and Auto Scaling below the SDK's clients and their retries. Calls can be delayed and rejected.
 */
export class FakeAws {
  readonly clock = new ManualClock();
  readonly table = new MemoryTable(() => this.clock.now());
  readonly services: Record<string, Service> = Object.fromEntries(
    ["interactive", "bulk"].flatMap((pool) =>
      ["spot", "on-demand"].map((kind) => [`${pool}-${kind}`, { desired: 0, running: 0 }]),
    ),
  );
  readonly queues: Record<QueueName, { visible: number; inFlight: number }> = {
    interactive: { visible: 0, inFlight: 0 },
    learning: { visible: 0, inFlight: 0 },
    bulk: { visible: 0, inFlight: 0 },
  };
  /** Every successful call, such as `UpdateService bulk-spot 3`. */
  readonly calls: string[] = [];
  readonly lines: { readonly message: string; readonly facts: LogFacts }[] = [];
  /** Called before each call; returns the name of an AWS error to reject it. */
  refuse: (call: string) => string | undefined = () => undefined;
  /** Awaited before each response. */
  delay: (call: string) => Promise<void> = async () => {};
  readonly ports: ScalerPorts;
  readonly #ecs: ECSClient;
  readonly #sqs: SQSClient;
  readonly #autoScaling: AutoScalingClient;

  /** Desired capacity of each Auto Scaling group. */
  readonly groups: Record<string, number> = {};

  constructor(size: { minimum?: number; maximum?: number; onDemandBase?: number } = {}) {
    const options = {
      region: "us-east-1",
      maxAttempts: 2,
      credentials: { accessKeyId: "a", secretAccessKey: "s" },
      requestHandler: { handle: (request: unknown) => this.#answer(request as Request) },
    };
    // The part of the SDK's request handler that these clients use.
    this.#ecs = new ECSClient(options as never);
    this.#sqs = new SQSClient(options as never);
    this.#autoScaling = new AutoScalingClient(options as never);
    const pool = (name: string) => ({
      minimum: 0,
      maximum: 8,
      onDemandBase: 0,
      ...size,
      services: { spot: `${name}-spot`, onDemand: `${name}-on-demand` },
      groups: { spot: `${name}-spot-machines`, onDemand: `${name}-on-demand-machines` },
    });
    const note = (message: string, facts: LogFacts = {}) => void this.lines.push({ message, facts });
    const log: Log = { info: note, error: note };
    const queue = (name: QueueName) =>
      new SqsJobQueue(this.#sqs, `https://sqs.us-east-1.amazonaws.com/1/${name}`);
    this.ports = {
      pools: { interactive: pool("interactive"), bulk: pool("bulk") },
      queues: { interactive: queue("interactive"), learning: queue("learning"), bulk: queue("bulk") },
      services: new EcsServices(this.#ecs, "workers"),
      groups: new AutoScalingGroups(this.#autoScaling),
      table: this.table,
      clock: this.clock,
      log,
    };
  }

  service(name: string): Service {
    return this.services[name]!;
  }

  resizes(): readonly string[] {
    return this.calls.filter((call) => call.startsWith("UpdateService"));
  }

  stop(): void {
    this.#ecs.destroy();
    this.#sqs.destroy();
    this.#autoScaling.destroy();
  }

  async #answer(request: Request) {
    if (request.hostname?.startsWith("autoscaling.")) return this.#answerAutoScaling(request);
    const target = request.headers["x-amz-target"]?.split(".")[1] ?? "";
    const body = JSON.parse(String(request.body)) as Body;
    const call = [target, body.service ?? body.QueueUrl?.split("/").at(-1), body.desiredCount]
      .filter((word) => word !== undefined)
      .join(" ");
    await this.delay(call);
    const refusal = this.refuse(call);
    if (refusal !== undefined) return respond(400, { __type: refusal, message: "refused" });
    this.calls.push(call);
    return respond(200, this.#reply(target, body));
  }

  async #answerAutoScaling({ body }: Request) {
    const parameters = new URLSearchParams(String(body));
    const action = parameters.get("Action") ?? "";
    const name =
      parameters.get("AutoScalingGroupName") ?? parameters.get("AutoScalingGroupNames.member.1") ?? "";
    const desired = parameters.get("DesiredCapacity");
    const call = [action, name, desired].filter((word) => word !== null).join(" ");
    const refusal = this.refuse(call);
    if (refusal !== undefined)
      return respond(
        400,
        `<ErrorResponse><Error><Code>${refusal}</Code></Error></ErrorResponse>`,
        "text/xml",
      );
    this.calls.push(call);
    if (desired !== null) this.groups[name] = Number(desired);
    const group = `<DesiredCapacity>${this.groups[name] ?? 0}</DesiredCapacity><MaxSize>9</MaxSize>`;
    const groups = `<AutoScalingGroups><member>${group}</member></AutoScalingGroups>`;
    return respond(
      200,
      `<${action}Response><${action}Result>${groups}</${action}Result></${action}Response>`,
      "text/xml",
    );
  }

  #reply(target: string, body: Body): unknown {
    if (target === "GetQueueAttributes") {
      const { visible, inFlight } = this.queues[body.QueueUrl!.split("/").at(-1) as QueueName];
      return {
        Attributes: {
          ApproximateNumberOfMessages: String(visible),
          ApproximateNumberOfMessagesNotVisible: String(inFlight),
          ApproximateNumberOfMessagesDelayed: "0",
        },
      };
    }
    if (target === "DescribeServices")
      return {
        services: body.services!.flatMap((name) => {
          const service = this.services[name];
          return service
            ? [{ serviceName: name, desiredCount: service.desired, runningCount: service.running }]
            : [];
        }),
      };
    if (target === "UpdateService") {
      this.service(body.service!).desired = body.desiredCount!;
      return { service: { serviceName: body.service } };
    }
    throw new Error(`unexpected call ${target}`);
  }
}

interface Request {
  readonly hostname?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}
interface Body {
  readonly service?: string;
  readonly services?: readonly string[];
  readonly desiredCount?: number;
  readonly QueueUrl?: string;
}

const respond = (statusCode: number, body: unknown, type = "application/x-amz-json-1.1") => ({
  response: {
    statusCode,
    headers: { "content-type": type },
    body: Readable.from([Buffer.from(typeof body === "string" ? body : JSON.stringify(body))]),
  },
});
