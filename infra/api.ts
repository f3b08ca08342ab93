import { deleteObjects, listObjects, readObjects, writeObjects } from "./bucket.ts";
import { edgeFunction } from "./edge-function.ts";
import { countQueues, putOnQueues, queueNames } from "./queues.ts";
import { router } from "./router.ts";
import { deployedAt, routerKey } from "./router-key.ts";
import { useRows } from "./table.ts";

/** Seconds: the longest that a caller's connection is held (`longestWait`, 50) and some to end it. */
const timeout = "60 seconds";

/** Hono behind the router, streaming its answers, so that a caller sees each event as it comes. */
export const api = new sst.aws.Function("Api", {
  ...edgeFunction,
  handler: "functions/api-lambda.handler",
  description: "The API, the studio and the reference.",
  memory: "1024 MB",
  timeout,
  streaming: true,
  link: [routerKey],
  environment: { ...edgeFunction.environment, VISII_ROUTER_SINCE: String(deployedAt) },
  copyFiles: [{ from: "functions/studio" }],
  url: {
    // Who calls is known by a key in `Authorization`, which signing by CloudFront would write over.
    authorization: "none",
    router: { instance: router, readTimeout: timeout, connectionAttempts: 3 },
    // The app answers CORS itself; a header that comes twice is an error to browsers.
    cors: false,
  },
  permissions: [
    useRows,
    putOnQueues(queueNames),
    countQueues(queueNames),
    listObjects,
    readObjects("uploads", "inputs", "instructions", "results", "batches"),
    writeObjects("uploads", "inputs"),
    deleteObjects("uploads", "inputs", "instructions", "results"),
  ],
});
