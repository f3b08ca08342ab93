import { stage } from "./stage.ts";

/** A VPC with two zones. Workers run in private subnets without public addresses. */
export const network = new sst.aws.Vpc("Network", {
  az: 2,
  nat: stage.nat,
  transform: {
    natInstance: { metadataOptions: { httpEndpoint: "enabled", httpTokens: "required" } },
  },
});

const region = aws.getRegionOutput().region;
const routeTables = network.nodes.privateRouteTables.apply((tables) => tables.map(({ id }) => id));

/** Gateway endpoints for weights, images and rows, which avoid NAT's charge per gigabyte. */
for (const [noun, service] of [
  ["Store", "s3"],
  ["Table", "dynamodb"],
] as const)
  new aws.ec2.VpcEndpoint(`${noun}Endpoint`, {
    vpcId: network.id,
    vpcEndpointType: "Gateway",
    serviceName: $interpolate`com.amazonaws.${region}.${service}`,
    routeTableIds: routeTables,
  });

/** Allows workers and machines only outgoing HTTPS. */
export const workerFirewall = new aws.ec2.SecurityGroup("WorkerFirewall", {
  vpcId: network.id,
  description: "Out by HTTPS, nothing in",
  ingress: [],
  egress: [{ protocol: "tcp", fromPort: 443, toPort: 443, cidrBlocks: ["0.0.0.0/0"] }],
});
