import { digest, madeUpId } from "./made-up-id.ts";

/** Answers of AWS to the program. Account, region and names are made up; the shapes are those of AWS. */
const account = "123456789012";
const region = "us-east-1";

type Inputs = Readonly<Record<string, unknown>>;
const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** ARNs by resource type. */
const services: Readonly<Record<string, (name: string) => string>> = {
  "aws:s3/bucket:Bucket": (name) => `arn:aws:s3:::${name}`,
  "aws:sqs/queue:Queue": (name) => `arn:aws:sqs:${region}:${account}:${name}`,
  "aws:sns/topic:Topic": (name) => `arn:aws:sns:${region}:${account}:${name}`,
  "aws:dynamodb/table:Table": (name) => `arn:aws:dynamodb:${region}:${account}:table/${name}`,
  "aws:lambda/function:Function": (name) => `arn:aws:lambda:${region}:${account}:function:${name}`,
  "aws:iam/role:Role": (name) => `arn:aws:iam::${account}:role/${name}`,
  "aws:autoscaling/group:Group": (name) =>
    `arn:aws:autoscaling:${region}:${account}:autoScalingGroup:01234567-89ab-cdef-0123-456789abcdef:autoScalingGroupName/${name}`,
  "aws:iam/instanceProfile:InstanceProfile": (name) => `arn:aws:iam::${account}:instance-profile/${name}`,
  "aws:ecs/cluster:Cluster": (name) => `arn:aws:ecs:${region}:${account}:cluster/${name}`,
  "aws:ecs/service:Service": (name) => `arn:aws:ecs:${region}:${account}:service/${name}`,
  "aws:ecs/taskDefinition:TaskDefinition": (name) =>
    `arn:aws:ecs:${region}:${account}:task-definition/${name}:1`,
};

/** Answer of the smoke run's function. */
export const smokeResult = {
  taskId: "0123456789abcdef0123456789abcdef",
  instanceId: madeUpId("i", "Builder"),
};

/** Prefixes of EC2's ids. */
const idPrefixes: Readonly<Record<string, string>> = {
  "aws:ec2/vpc:Vpc": "vpc",
  "aws:ec2/subnet:Subnet": "subnet",
  "aws:ec2/securityGroup:SecurityGroup": "sg",
  "aws:ec2/launchTemplate:LaunchTemplate": "lt",
  "aws:ec2/amiFromInstance:AmiFromInstance": "ami",
};

/** State of a resource after its creation: its inputs, and the properties that AWS adds. */
export function newState(type: string, logical: string, inputs: Inputs): Inputs & { readonly id: string } {
  const given = inputs.name ?? inputs.bucket ?? inputs.family;
  const name = typeof given === "string" && given ? given : `${logical.toLowerCase()}-0000000`;
  const prefix = idPrefixes[type];
  const id = prefix ? madeUpId(prefix, logical) : name;
  const arn = services[type]?.(name) ?? `arn:aws:${type.split(":")[1]}:${region}:${account}:${name}`;
  return {
    id,
    name,
    arn,
    region,
    ...(type === "aws:s3/bucket:Bucket"
      ? { bucket: name, bucketRegionalDomainName: `${name}.s3.${region}.amazonaws.com` }
      : {}),
    ...(type === "aws:sqs/queue:Queue"
      ? { url: `https://sqs.${region}.amazonaws.com/${account}/${name}` }
      : {}),
    ...(type === "aws:dynamodb/table:Table" ? { streamArn: `${arn}/stream/2026-11-23T00:00:00.000` } : {}),
    ...(type === "aws:lambda/functionUrl:FunctionUrl"
      ? { functionUrl: `https://${logical.toLowerCase()}.lambda-url.${region}.on.aws/` }
      : {}),
    ...(type === "aws:ecr/repository:Repository"
      ? { registryId: account, repositoryUrl: `${account}.dkr.ecr.${region}.amazonaws.com/${name}` }
      : {}),
    ...(type === "docker-build:index:Image"
      ? { ref: `registry.example/${name}@sha256:${"0".repeat(64)}` }
      : {}),
    ...(type === "aws:ec2/launchTemplate:LaunchTemplate" ? { latestVersion: 1 } : {}),
    ...(type === "aws:lambda/invocation:Invocation" ? { result: JSON.stringify(smokeResult) } : {}),
    ...(type === "aws:cloudfront/distribution:Distribution"
      ? { domainName: "d111111abcdef8.cloudfront.net", hostedZoneId: "Z2FDTNDATAQYW2" }
      : {}),
    ...(type === "aws:acm/certificate:Certificate"
      ? {
          domainValidationOptions: [
            {
              domainName: inputs.domainName,
              resourceRecordName: "_check",
              resourceRecordType: "CNAME",
              resourceRecordValue: "_value",
            },
          ],
        }
      : {}),
    ...(type === "random:index/randomBytes:RandomBytes"
      ? { base64: digest(logical).toString("base64"), hex: digest(logical).toString("hex") }
      : {}),
    ...inputs,
  };
}

const names = (zones: number) => Array.from({ length: zones }, (_, index) => `${region}${"abcdef"[index]}`);

/** Answers of data sources. An unknown one is an error, so that nothing is evaluated with an empty answer. */
export function answerCall(token: string, inputs: Inputs): Record<string, unknown> {
  switch (token) {
    case "aws:index/getRegion:getRegion":
      return { id: region, name: region, region };
    case "aws:index/getPartition:getPartition":
      return { partition: "aws", dnsSuffix: "amazonaws.com" };
    case "aws:index/getCallerIdentity:getCallerIdentity":
      return { accountId: account, arn: `arn:aws:iam::${account}:root` };
    case "aws:index/getAvailabilityZones:getAvailabilityZones":
      return { names: names(3), zoneIds: names(3) };
    case "aws:s3/getObjects:getObjects":
      return { ...inputs, keys: [text(inputs.prefix)] };
    case "aws:ec2/getAmi:getAmi":
      return { id: "ami-0123456789abcdef0" };
    case "aws:ssm/getParameter:getParameter":
      return { ...inputs, value: madeUpId("ami", text(inputs.name)) };
    case "aws:ecr/getAuthorizationToken:getAuthorizationToken":
      return { userName: "AWS", password: "registry-password", proxyEndpoint: "https://registry.example" };
    case "aws:iam/getPolicyDocument:getPolicyDocument":
      return { ...inputs, json: policyDocument(inputs) };
    default:
      throw new Error(`no answer is defined for ${token} ${JSON.stringify(inputs)}`);
  }
}

interface Statement {
  readonly effect?: string;
  readonly actions?: readonly string[];
  readonly resources?: readonly string[];
  readonly principals?: readonly { readonly type: string; readonly identifiers: readonly string[] }[];
  readonly conditions?: readonly {
    readonly test: string;
    readonly variable: string;
    readonly values: readonly string[];
  }[];
}

/** The JSON of `aws.iam.getPolicyDocument`. */
function policyDocument({ statements }: Inputs): string {
  const all = (statements ?? []) as readonly Statement[];
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: all.map(({ effect, actions, resources, principals, conditions }) => ({
      Effect: effect ?? "Allow",
      Action: actions,
      ...(resources ? { Resource: resources } : {}),
      ...(principals
        ? {
            Principal: principals.some(({ type }) => type === "*")
              ? "*"
              : Object.fromEntries(principals.map(({ type, identifiers }) => [type, identifiers])),
          }
        : {}),
      ...(conditions?.length
        ? {
            Condition: Object.fromEntries(
              conditions.map(({ test, variable, values }) => [test, { [variable]: values }]),
            ),
          }
        : {}),
    })),
  });
}
