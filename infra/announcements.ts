import { deployer } from "./stage.ts";

/** Topic of alarms and budget notices. Without an e-mail address, only the console shows them. */
export const announcements = new aws.sns.Topic("Announcements");

new aws.sns.TopicPolicy("AnnouncementsPolicy", {
  arn: announcements.arn,
  policy: aws.iam.getPolicyDocumentOutput({
    statements: [
      {
        actions: ["sns:Publish"],
        resources: [announcements.arn],
        principals: [{ type: "Service", identifiers: ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"] }],
        conditions: [
          {
            test: "StringEquals",
            variable: "aws:SourceAccount",
            values: [aws.getCallerIdentityOutput().accountId],
          },
        ],
      },
    ],
  }).json,
});

if (deployer.alarmEmail)
  new aws.sns.TopicSubscription("AnnouncementsEmail", {
    topic: announcements.arn,
    protocol: "email",
    endpoint: deployer.alarmEmail,
  });
