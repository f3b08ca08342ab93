import { named } from "./stage.ts";

/** Container Insights are disabled: the scaler publishes the number of workers. */
export const createCluster = (title: string, noun: string) =>
  new aws.ecs.Cluster(title, {
    name: named(noun),
    settings: [{ name: "containerInsights", value: "disabled" }],
  });

/** The workers' cluster. */
export const cluster = createCluster("Workers", "workers");
