import { announcements } from "./announcements.ts";
import { deployer, named, stage, tags } from "./stage.ts";

/**
 * Covers the whole account by default. A filter by tags counts nothing until the tags are activated for
 * billing, which is possible only a day after the first deployment.
 */
new aws.budgets.Budget("Budget", {
  name: named("month"),
  budgetType: "COST",
  timeUnit: "MONTHLY",
  limitAmount: String(stage.monthlyBudget),
  limitUnit: "USD",
  ...(deployer.budgetOf === "stage"
    ? {
        filterExpression: {
          ands: Object.entries(tags).map(([key, value]) => ({ tags: { key, values: [value] } })),
        },
      }
    : {}),
  notifications: [
    { notificationType: "ACTUAL", threshold: 50 },
    { notificationType: "ACTUAL", threshold: 100 },
    { notificationType: "FORECASTED", threshold: 100 },
  ].map((notification) => ({
    ...notification,
    comparisonOperator: "GREATER_THAN",
    thresholdType: "PERCENTAGE",
    subscriberSnsTopicArns: [announcements.arn],
  })),
});
