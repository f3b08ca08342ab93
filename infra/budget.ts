import { announcements } from "./announcements.ts";
import { named, stage } from "./stage.ts";

/** Of the whole account: a filter by tag counts nothing until somebody has activated that tag for billing. */
new aws.budgets.Budget("Budget", {
  name: named("month"),
  budgetType: "COST",
  timeUnit: "MONTHLY",
  limitAmount: String(stage.monthlyBudget),
  limitUnit: "USD",
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
