import { deployer, stage } from "./stage.ts";

/** What the world sees: CloudFront, with a domain of one's own and a firewall where the stage says so. */
export const router = new sst.aws.Router("Router", {
  ...(deployer.domain ? { domain: deployer.domain } : {}),
  ...(stage.requestsPerAddress === undefined
    ? {}
    : {
        waf: {
          rateLimitPerIp: stage.requestsPerAddress,
          // Bodies are JSON, judged by schemas; these rules would only guess.
          managedRules: { coreRuleSet: false, sqlInjection: false },
        },
      }),
});
