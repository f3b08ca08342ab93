import { requestsPerAddress } from "../shared/request-rate.ts";
import { routerHeader } from "../shared/router-pass.ts";
import { routerPass } from "./router-key.ts";
import { deployer, stage } from "./stage.ts";

/**
 * AWS's own policy "CachingDisabled". SST's would keep answers that permit it, under a key without `Authorization`; and CloudFront
 * answers requests of the same key that come together with one answer: one account would read what is another's.
 */
const cachingDisabled = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";

/** What the world sees: CloudFront, with a domain of one's own and a firewall where the stage says so. */
export const router = new sst.aws.Router("Router", {
  transform: {
    cdn: (args) => {
      args.defaultCacheBehavior = $output(args.defaultCacheBehavior).apply((behavior) => ({
        ...behavior,
        cachePolicyId: cachingDisabled,
      }));
    },
  },
  ...(deployer.domain ? { domain: deployer.domain } : {}),
  // Written over whatever a caller sends under this name.
  edge: {
    viewerRequest: {
      injection: $interpolate`event.request.headers["${routerHeader}"] = { value: "${routerPass}" };`,
    },
  },
  ...(stage.firewall
    ? {
        waf: {
          rateLimitPerIp: requestsPerAddress,
          // Bodies are JSON, judged by schemas; these rules would only guess.
          managedRules: { coreRuleSet: false, sqlInjection: false },
        },
      }
    : {}),
});
