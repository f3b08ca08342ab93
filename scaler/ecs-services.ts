import { DescribeServicesCommand, type ECSClient, UpdateServiceCommand } from "@aws-sdk/client-ecs";
import { callService } from "../shared/aws/service-failure.ts";
import { InternalError } from "../shared/errors.ts";

interface ServiceCount {
  readonly desired: number;
  readonly running: number;
}

/** Services of an ECS cluster, by name. Methods throw RetryableError if ECS is unavailable or throttles. */
export class EcsServices {
  readonly #client: ECSClient;
  readonly #cluster: string;

  constructor(client: ECSClient, cluster: string) {
    this.#client = client;
    this.#cluster = cluster;
  }

  /** @param names at most ten @returns counts in the order of the names */
  async count(names: readonly string[]): Promise<readonly ServiceCount[]> {
    const command = new DescribeServicesCommand({ cluster: this.#cluster, services: [...names] });
    const { services = [] } = await callService("describe services", () => this.#client.send(command));
    return names.map((name) => {
      const service = services.find(({ serviceName }) => serviceName === name);
      if (!service) throw new InternalError(`the cluster ${this.#cluster} has no service ${name}`);
      return { desired: service.desiredCount ?? 0, running: service.runningCount ?? 0 };
    });
  }

  async resize(name: string, desiredCount: number): Promise<void> {
    const command = new UpdateServiceCommand({ cluster: this.#cluster, service: name, desiredCount });
    await callService(`resize ${name}`, () => this.#client.send(command));
  }
}
