import type { Resource } from "./evaluate.ts";

type Value = unknown;
type Record_ = Readonly<Record<string, Value>>;

/** Maps whose keys are not names of AWS. */
const maps = new Set(["dimensions", "variables", "tags", "options"]);
const upper = (name: string) => `${name[0]?.toUpperCase()}${name.slice(1)}`;

/** CloudFormation's names begin with a capital. */
function capitals(value: Value): Value {
  if (Array.isArray(value)) return value.map(capitals);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [upper(name), maps.has(name) ? inner : capitals(inner)]),
  );
}
const renamed = (inputs: Record_, names: Readonly<Record<string, string | null>>): Record_ =>
  Object.fromEntries(
    Object.entries(inputs).flatMap(([name, value]) => {
      const other = names[name];
      return other === null ? [] : [[other ?? name, value]];
    }),
  );
const pairs = (map: Value, name: string, value: string): Record_[] =>
  Object.entries((map ?? {}) as Record_).map(([key, word]) => ({ [name]: key, [value]: word }));
const document = (text: Value): Value => (typeof text === "string" ? JSON.parse(text) : text);
const list = (value: Value): readonly Record_[] => (value ?? []) as readonly Record_[];

/** By Pulumi's type: CloudFormation's type, and the conversion of properties. */
const kinds: Readonly<Record<string, readonly [type: string, properties: (inputs: Record_) => Value]>> = {
  "aws:cloudwatch/metricAlarm:MetricAlarm": [
    "AWS::CloudWatch::Alarm",
    ({ dimensions, metricQueries, ...rest }) => ({
      ...(capitals(renamed(rest, { okActions: "OKActions" })) as Record_),
      ...(dimensions ? { Dimensions: pairs(dimensions, "Name", "Value") } : {}),
      ...(metricQueries
        ? {
            Metrics: list(metricQueries).map(({ metric, ...query }) => {
              if (!metric) return capitals(query);
              const { dimensions: of, period, stat, ...named } = metric as Record_;
              const Metric = { ...(capitals(named) as Record_), Dimensions: pairs(of, "Name", "Value") };
              return { ...(capitals(query) as Record_), MetricStat: { Metric, Period: period, Stat: stat } };
            }),
          }
        : {}),
    }),
  ],
  "aws:cloudwatch/logGroup:LogGroup": [
    "AWS::Logs::LogGroup",
    ({ name, retentionInDays }) => ({ LogGroupName: name, RetentionInDays: retentionInDays }),
  ],
  "aws:sqs/queue:Queue": [
    "AWS::SQS::Queue",
    ({ name, messageRetentionSeconds, receiveWaitTimeSeconds, visibilityTimeoutSeconds, redrivePolicy }) => ({
      QueueName: name,
      MessageRetentionPeriod: messageRetentionSeconds,
      ReceiveMessageWaitTimeSeconds: receiveWaitTimeSeconds,
      VisibilityTimeout: visibilityTimeoutSeconds,
      ...(redrivePolicy ? { RedrivePolicy: document(redrivePolicy) } : {}),
    }),
  ],
  "aws:lambda/eventSourceMapping:EventSourceMapping": ["AWS::Lambda::EventSourceMapping", capitals],
  "aws:lambda/function:Function": [
    "AWS::Lambda::Function",
    ({ architectures, description, handler, memorySize, role, runtime, timeout }) => ({
      Architectures: architectures,
      Description: description,
      Handler: handler,
      MemorySize: memorySize,
      ...{ Role: role, Runtime: runtime, Timeout: timeout, Code: { S3Bucket: "code", S3Key: "code.zip" } },
    }),
  ],
  "aws:scheduler/schedule:Schedule": ["AWS::Scheduler::Schedule", capitals],
  "aws:iam/role:Role": [
    "AWS::IAM::Role",
    ({ assumeRolePolicy, inlinePolicies, managedPolicyArns }) => ({
      AssumeRolePolicyDocument: document(assumeRolePolicy),
      ...(managedPolicyArns ? { ManagedPolicyArns: managedPolicyArns } : {}),
      Policies: list(inlinePolicies).map(({ name, policy }) => ({
        PolicyName: name,
        PolicyDocument: document(policy),
      })),
    }),
  ],
  "aws:autoscaling/group:Group": [
    "AWS::AutoScaling::AutoScalingGroup",
    ({ minSize, maxSize, mixedInstancesPolicy, capacityRebalance, protectFromScaleIn, ...rest }) => ({
      MinSize: String(minSize),
      MaxSize: String(maxSize),
      CapacityRebalance: capacityRebalance,
      NewInstancesProtectedFromScaleIn: protectFromScaleIn,
      VPCZoneIdentifier: rest.vpcZoneIdentifiers,
      MixedInstancesPolicy: capitals(mixedInstancesPolicy),
      MetricsCollection: [{ Granularity: "1Minute", Metrics: rest.enabledMetrics }],
      Tags: capitals(rest.tags),
    }),
  ],
  "aws:ec2/launchTemplate:LaunchTemplate": [
    "AWS::EC2::LaunchTemplate",
    ({ imageId, metadataOptions, blockDeviceMappings, userData }) => ({
      LaunchTemplateData: {
        ImageId: imageId,
        UserData: userData,
        MetadataOptions: capitals(metadataOptions),
        BlockDeviceMappings: capitals(blockDeviceMappings),
      },
    }),
  ],
  "aws:ecs/service:Service": [
    "AWS::ECS::Service",
    ({ networkConfiguration, orderedPlacementStrategies, deploymentCircuitBreaker, ...rest }) => {
      const { assignPublicIp, ...network } = networkConfiguration as Record_;
      return {
        Cluster: rest.cluster,
        ServiceName: rest.name,
        TaskDefinition: rest.taskDefinition,
        DesiredCount: rest.desiredCount,
        PropagateTags: rest.propagateTags,
        EnableECSManagedTags: rest.enableEcsManagedTags,
        AvailabilityZoneRebalancing: rest.availabilityZoneRebalancing,
        CapacityProviderStrategy: capitals(rest.capacityProviderStrategies),
        ...(orderedPlacementStrategies ? { PlacementStrategies: capitals(orderedPlacementStrategies) } : {}),
        DeploymentConfiguration: {
          MinimumHealthyPercent: rest.deploymentMinimumHealthyPercent,
          MaximumPercent: rest.deploymentMaximumPercent,
          DeploymentCircuitBreaker: capitals(deploymentCircuitBreaker),
        },
        NetworkConfiguration: {
          AwsvpcConfiguration: {
            ...(capitals(network) as Record_),
            AssignPublicIp: assignPublicIp ? "ENABLED" : "DISABLED",
          },
        },
      };
    },
  ],
  "aws:ecs/taskDefinition:TaskDefinition": [
    "AWS::ECS::TaskDefinition",
    ({ containerDefinitions, volumes, ephemeralStorage, ...rest }) => ({
      ...(capitals(renamed(rest, { trackLatest: null, skipDestroy: null })) as Record_),
      ...(ephemeralStorage
        ? { EphemeralStorage: { SizeInGiB: (ephemeralStorage as Record_).sizeInGib } }
        : {}),
      ContainerDefinitions: list(document(containerDefinitions)).map(
        ({ logConfiguration, ...container }) => ({
          ...(capitals(container) as Record_),
          LogConfiguration: capitals(logConfiguration),
        }),
      ),
      Volumes: list(volumes).map(({ name, hostPath }) => ({
        Name: name,
        ...(hostPath ? { Host: { SourcePath: hostPath } } : {}),
      })),
    }),
  ],
  "aws:ecs/capacityProvider:CapacityProvider": ["AWS::ECS::CapacityProvider", capitals],
  "aws:dynamodb/table:Table": [
    "AWS::DynamoDB::Table",
    ({ attributes, billingMode, hashKey, rangeKey, streamViewType, globalSecondaryIndexes }) => ({
      AttributeDefinitions: list(attributes).map(({ name, type }) => ({
        AttributeName: name,
        AttributeType: type,
      })),
      BillingMode: billingMode,
      KeySchema: keys(hashKey, rangeKey),
      StreamSpecification: { StreamViewType: streamViewType },
      GlobalSecondaryIndexes: list(globalSecondaryIndexes).map((index) => ({
        IndexName: index.name,
        KeySchema: keys(index.hashKey, index.rangeKey),
        Projection: { ProjectionType: index.projectionType },
      })),
    }),
  ],
  "aws:wafv2/webAcl:WebAcl": [
    "AWS::WAFv2::WebACL",
    (inputs) =>
      JSON.parse(
        JSON.stringify(capitals(inputs)).replaceAll(
          '"CloudwatchMetricsEnabled"',
          '"CloudWatchMetricsEnabled"',
        ),
      ),
  ],
};
const keys = (hash: Value, range: Value) => [
  { AttributeName: hash, KeyType: "HASH" },
  { AttributeName: range, KeyType: "RANGE" },
];

/** Converts the resources of the types in `kinds` to a CloudFormation template. */
export function toTemplate(resources: readonly Resource[]): { readonly Resources: Record_ } {
  const known = resources.filter(({ type }) => type in kinds);
  const logical = (name: string) => name.replace(/[^A-Za-z0-9]/g, "");
  return {
    Resources: Object.fromEntries(
      known.map(({ type, name, inputs }) => {
        const [Type, properties] = kinds[type]!;
        return [logical(name), { Type, Properties: properties(inputs) }];
      }),
    ),
  };
}
