import { named } from "./stage.ts";

/** The workers' cluster. Container Insights are disabled, because the scaler counts workers. */
export const cluster = new aws.ecs.Cluster("Workers", {
  name: named("workers"),
  settings: [{ name: "containerInsights", value: "disabled" }],
});
