import { z } from "zod";
import type { PoolName, Purchase } from "../../scaler/policy.ts";
import type { QueueName } from "../../shared/queue-timing.ts";
import type { Build, Evaluated, Resource } from "./evaluate.ts";
import { parsePolicy, type Statement } from "./iam.ts";

const containerSchema = z.object({
  name: z.string(),
  image: z.string(),
  essential: z.boolean(),
  user: z.string().optional(),
  privileged: z.boolean().optional(),
  readonlyRootFilesystem: z.boolean().optional(),
  command: z.array(z.string()),
  environment: z.array(z.object({ name: z.string(), value: z.string() })),
  dependsOn: z.array(z.object({ containerName: z.string(), condition: z.string() })).optional(),
  mountPoints: z.array(
    z.object({ sourceVolume: z.string(), containerPath: z.string(), readOnly: z.boolean() }),
  ),
  resourceRequirements: z.array(z.object({ type: z.string(), value: z.string() })).optional(),
  stopTimeout: z.number().optional(),
  linuxParameters: z.object({
    initProcessEnabled: z.boolean(),
    capabilities: z.object({ drop: z.array(z.string()), add: z.array(z.string()) }),
  }),
  logConfiguration: z.object({ logDriver: z.string(), options: z.record(z.string(), z.string()) }),
  healthCheck: z.object({ command: z.array(z.string()), startPeriod: z.number() }).optional(),
});
export type Container = z.infer<typeof containerSchema>;

/** A function or task with its role. */
interface Runner {
  readonly name: string;
  readonly role: Resource;
  readonly policy: readonly Statement[];
  readonly environment: Readonly<Record<string, string>>;
}

/** The evaluated resources of a stage. */
export class Cloud {
  readonly stage: string;
  readonly app: Evaluated["app"];
  readonly builds: readonly Build[];
  readonly resources: readonly Resource[];

  constructor(stage: string, { app, builds, resources }: Evaluated) {
    this.stage = stage;
    this.app = app;
    this.builds = builds;
    this.resources = resources;
  }

  /** @param type `sqs/queue` for `aws:sqs/queue:Queue` */
  all(type: string): readonly Resource[] {
    return this.resources.filter((each) => each.type.startsWith(`aws:${type}:`));
  }

  /** The only resource of a type, or of a type and name. */
  one(type: string, name?: string): Resource {
    const found = this.all(type).filter((each) => name === undefined || each.name === name);
    if (found.length !== 1)
      throw new Error(`${this.stage} has ${found.length} resources ${type} ${name ?? ""}; 1 is expected`);
    return found[0]!;
  }

  byArn(arn: unknown): Resource {
    const found = this.resources.find(({ state }) => state.arn === arn);
    if (!found) throw new Error(`${this.stage} has no resource with the ARN ${String(arn)}`);
    return found;
  }

  policyOf(role: Resource): readonly Statement[] {
    const inline = z
      .array(z.object({ policy: z.string() }))
      .optional()
      .parse(role.inputs.inlinePolicies);
    return (inline ?? []).flatMap(({ policy }) => parsePolicy(policy));
  }

  lambda(name: string): Runner & { readonly resource: Resource } {
    const resource = this.one("lambda/function", `${name}Function`);
    const role = this.byArn(resource.inputs.role);
    const { variables } = z
      .object({ variables: z.record(z.string(), z.string()) })
      .parse(resource.inputs.environment);
    return { name, resource, role, policy: this.policyOf(role), environment: variables };
  }

  /** The edge's functions. */
  get lambdas() {
    return lambdaNames.map((name) => this.lambda(name));
  }

  get tasks(): readonly (Runner & {
    readonly resource: Resource;
    readonly model: Container;
    readonly worker: Container;
  })[] {
    const pools = this.all("ecs/taskDefinition").filter(({ name }) => name !== "SmokeTask");
    return pools.map((resource) => {
      const containers = z
        .array(containerSchema)
        .parse(JSON.parse(String(resource.inputs.containerDefinitions)));
      const [model, worker] = ["model", "worker"].map((name) =>
        containers.find((each) => each.name === name),
      );
      if (!model || !worker) throw new Error(`${resource.name} lacks a container`);
      const role = this.byArn(resource.inputs.taskRoleArn);
      const environment = Object.fromEntries(worker.environment.map(({ name, value }) => [name, value]));
      return {
        name: resource.name,
        resource,
        role,
        policy: this.policyOf(role),
        environment,
        model,
        worker,
      };
    });
  }

  get smoke() {
    const resource = this.one("ecs/taskDefinition", "SmokeTask");
    const containers = z
      .array(containerSchema)
      .parse(JSON.parse(String(resource.inputs.containerDefinitions)));
    const container = containers.find(({ name }) => name === "smoke");
    if (!container) throw new Error("the smoke run has no container");
    return { resource, container, model: containers.find(({ name }) => name === "model") };
  }

  get runners(): readonly Runner[] {
    return [...this.lambdas, ...this.tasks];
  }

  get bucket(): Resource {
    return this.one("s3/bucket");
  }
  service(pool: PoolName, purchase: Purchase): Resource {
    const title = `${pool[0]?.toUpperCase()}${pool.slice(1)}`;
    return this.one("ecs/service", `${title}${purchase === "spot" ? "" : "OnDemand"}Workers`);
  }
  /** The Auto Scaling group of a service; undefined on Fargate. */
  group(pool: PoolName, purchase: Purchase): Resource | undefined {
    const title = `${pool[0]?.toUpperCase()}${pool.slice(1)}`;
    const name = `${title}${purchase === "spot" ? "" : "OnDemand"}Machines`;
    return this.all("autoscaling/group").find((each) => each.name === name);
  }
  get table(): Resource {
    return this.one("dynamodb/table");
  }
  queue(name: QueueName, kind: "" | "Dead" = ""): Resource {
    return this.one("sqs/queue", `${name[0]?.toUpperCase()}${name.slice(1)}${kind}Queue`);
  }

  /** The inputs of every resource as text. */
  get texts(): readonly (readonly [name: string, text: string])[] {
    return this.resources
      .filter(({ type }) => type.startsWith("aws:") || type.startsWith("docker-build:"))
      .map(({ type, name, inputs }) => [`${type} ${name}`, JSON.stringify(inputs)]);
  }
}

const lambdaNames = [
  "Api",
  "SweepHandler",
  "TableSubscriberDueFunction",
  "DeadLetters",
  "WebhookSender",
  "Settlement",
] as const;

/** Checks by their title. */
export type Checks = Readonly<Record<string, (cloud: Cloud) => void>>;
