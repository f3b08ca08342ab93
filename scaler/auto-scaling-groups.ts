import type { ECSClient } from "@aws-sdk/client-ecs";
import { SignatureV4 } from "@smithy/signature-v4";

/**
 * Requests machines when workers are requested. ECS's managed scaling does the same, but only after the next metric
 * of a minute and its alarm. Two calls are too few for another SDK client, so they use the HTTP handler, credentials
 * and hash of the ECS client.
 */
export class AutoScalingGroups {
  readonly #ecs: ECSClient;

  constructor(ecs: ECSClient) {
    this.#ecs = ecs;
  }

  /**
   * Raises a group's desired capacity to `machines`, and never lowers it.
   *
   * @throws an error with AWS's status and answer
   */
  async raise(name: string, machines: number): Promise<void> {
    const found = await this.#call("DescribeAutoScalingGroups", { "AutoScalingGroupNames.member.1": name });
    const numberOf = (tag: string) => Number(new RegExp(`<${tag}>(\\d+)</${tag}>`).exec(found)?.[1]);
    const desired = Math.min(machines, numberOf("MaxSize"));
    // NaN, if AWS does not know the group, is not less.
    if (!(numberOf("DesiredCapacity") < desired)) return;
    await this.#call("SetDesiredCapacity", {
      AutoScalingGroupName: name,
      DesiredCapacity: String(desired),
      HonorCooldown: "false",
    });
  }

  async #call(action: string, parameters: Readonly<Record<string, string>>): Promise<string> {
    const { credentials, region, requestHandler, sha256 } = this.#ecs.config;
    const signer = new SignatureV4({ service: "autoscaling", region, credentials, sha256 });
    const hostname = `autoscaling.${await region()}.amazonaws.com`;
    const request = await signer.sign({
      protocol: "https:",
      method: "POST",
      hostname,
      path: "/",
      query: {},
      headers: { host: hostname, "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ Action: action, Version: "2011-01-01", ...parameters }).toString(),
    });
    const { response } = await requestHandler.handle(request as never, { requestTimeout: 3000 });
    const chunks: Buffer[] = [];
    for await (const chunk of response.body) chunks.push(Buffer.from(chunk));
    const text = Buffer.concat(chunks).toString("utf8");
    if (response.statusCode !== 200) throw new Error(`${action}: ${response.statusCode} ${text}`);
    return text;
  }
}
