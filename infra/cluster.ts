import { named } from "./stage.ts";

/** Where the workers run. Insights count the workers wanted and running, by which scaling and alarms go. */
export const cluster = new aws.ecs.Cluster("Workers", {
  name: named("workers"),
  settings: [{ name: "containerInsights", value: "enabled" }],
});
