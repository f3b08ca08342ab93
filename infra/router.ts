import { requestsPerAddress } from "../shared/request-rate.ts";
import { routerHeader } from "../shared/router-token.ts";
import { routerToken } from "./router-key.ts";
import { deployer, stage } from "./stage.ts";

/**
 * AWS's managed policy "CachingDisabled". SST's policy caches by a key without `Authorization`, and
 * CloudFront answers concurrent requests with the same cache key once, so one account could read another's
 * response.
 */
const cachingDisabled = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";

/** CloudFront, with a custom domain and a firewall if configured. */
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
  // Overwrites the header if a caller sends it.
  edge: {
    viewerRequest: {
      injection: $interpolate`event.request.headers["${routerHeader}"] = { value: "${routerToken}" };`,
    },
  },
  ...(stage.firewall
    ? {
        waf: {
          rateLimitPerIp: requestsPerAddress,
          // Bodies are JSON and validated by schemas; these rules would cause false positives.
          managedRules: { coreRuleSet: false, sqlInjection: false },
        },
      }
    : {}),
});
