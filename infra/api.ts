import { deleteObjects, listObjects, readObjects, writeObjects } from "./bucket.ts";
import { edgeFunction } from "./edge-function.ts";
import { countQueues, putOnQueues, queueNames } from "./queues.ts";
import { router } from "./router.ts";
import { deployedAt, routerKey } from "./router-key.ts";
import { useRows } from "./table.ts";

/** The maximum duration of a connection (`longestWait`, 50 s) and a margin. */
const timeout = "60 seconds";

/** The API behind the router. Responses are streamed, so that callers receive events immediately. */
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
    // API keys use the `Authorization` header, which CloudFront's request signing would overwrite.
    authorization: "none",
    router: { instance: router, readTimeout: timeout, connectionAttempts: 3 },
    // The app handles CORS; browsers reject duplicate headers.
    cors: false,
  },
  permissions: [
    useRows,
    putOnQueues(queueNames),
    countQueues(queueNames),
    listObjects,
    readObjects("uploads", "inputs", "instructions", "results", "batches"),
    writeObjects("uploads", "inputs"),
    deleteObjects("uploads", "inputs", "normalized", "instructions", "results"),
  ],
});
