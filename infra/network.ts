import { stage } from "./stage.ts";

/** Two zones. Workers live in the private half: nothing outside can call them, and none has an address of its own. */
export const network = new sst.aws.Vpc("Network", {
  az: 2,
  nat: stage.nat,
  transform: {
    natInstance: { metadataOptions: { httpEndpoint: "enabled", httpTokens: "required" } },
  },
});

const region = aws.getRegionOutput().region;
const routeTables = network.nodes.privateRouteTables.apply((tables) => tables.map(({ id }) => id));

/** Weights, images and rows come by these, free of the charge that NAT takes for each gigabyte. */
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

/** Workers and their machines call AWS over HTTPS, and are called by nobody. */
export const workerFirewall = new aws.ec2.SecurityGroup("WorkerFirewall", {
  vpcId: network.id,
  description: "Out by HTTPS, nothing in",
  ingress: [],
  egress: [{ protocol: "tcp", fromPort: 443, toPort: 443, cidrBlocks: ["0.0.0.0/0"] }],
});
