import {
  type AutoScalingClient,
  DescribeAutoScalingGroupsCommand,
  SetDesiredCapacityCommand,
} from "@aws-sdk/client-auto-scaling";

/**
 * Requests machines as soon as workers are requested. ECS's managed scaling would do so up to a minute later,
 * after its next metric and alarm.
 */
export class AutoScalingGroups {
  readonly #client: AutoScalingClient;

  constructor(client: AutoScalingClient) {
    this.#client = client;
  }

  /**
   * Raises a group's desired capacity to `machines` or to the group's maximum, and never lowers it.
   *
   * @throws the SDK's error
   */
  async raise(name: string, machines: number): Promise<void> {
    const { AutoScalingGroups: [group] = [] } = await this.#client.send(
      new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [name] }),
    );
    const desired = Math.min(machines, group?.MaxSize ?? 0);
    if (!group || (group.DesiredCapacity ?? 0) >= desired) return;
    await this.#client.send(
      new SetDesiredCapacityCommand({
        AutoScalingGroupName: name,
        DesiredCapacity: desired,
        HonorCooldown: false,
      }),
    );
  }
}
