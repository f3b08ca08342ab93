import { cluster } from "./cluster.ts";
import { queues } from "./queues.ts";
import { metricPeriod, type PoolName, queuesOf } from "./scaling-policy.ts";

interface Reading {
  readonly id: string;
  readonly namespace: string;
  readonly metricName: string;
  readonly dimensions: Readonly<Record<string, $util.Input<string>>>;
}

/** What a pool's expressions are written in: its own queues' depths and its own service's tasks. */
export function readings(pool: PoolName, service: $util.Input<string>): readonly Reading[] {
  const tasks = { ClusterName: cluster.name, ServiceName: service };
  return [
    ...queuesOf(pool).flatMap((queue) => {
      const dimensions = { QueueName: queues[queue].live.nodes.queue.name };
      const of = { namespace: "AWS/SQS", dimensions };
      return [
        { id: `visible_${queue}`, metricName: "ApproximateNumberOfMessagesVisible", ...of },
        { id: `in_flight_${queue}`, metricName: "ApproximateNumberOfMessagesNotVisible", ...of },
      ];
    }),
    {
      ...{ id: "desired", metricName: "DesiredTaskCount", namespace: "ECS/ContainerInsights" },
      dimensions: tasks,
    },
    {
      ...{ id: "running", metricName: "RunningTaskCount", namespace: "ECS/ContainerInsights" },
      dimensions: tasks,
    },
  ];
}

/** Only what an expression names: an alarm takes ten series at most. */
export const readingsIn = (expression: string, all: readonly Reading[]): readonly Reading[] =>
  all.filter(({ id }) => new RegExp(`\\b${id}\\b`).test(expression));

/** Queries of an alarm on an expression. */
export const alarmQueries = (expression: string, label: string, all: readonly Reading[]) => [
  ...readingsIn(expression, all).map(({ id, ...metric }) => ({
    id,
    metric: { ...metric, period: metricPeriod, stat: "Maximum" },
    returnData: false,
  })),
  { id: "answer", expression, label, returnData: true },
];
