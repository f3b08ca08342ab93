import { named } from "./stage.ts";

/** Where the workers run. The scaler counts them, so nobody pays for insights. */
export const cluster = new aws.ecs.Cluster("Workers", {
  name: named("workers"),
  settings: [{ name: "containerInsights", value: "disabled" }],
});
