import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { KeyStore } from "../shared/accounts/key-store.ts";
import { UploadTokens } from "../shared/accounts/upload-tokens.ts";
import { JobStore } from "../shared/jobs/job-store.ts";
import { Ledger } from "../shared/ledger/ledger.ts";
import { createAllowedMethods } from "./allowed-methods.ts";
import { ConnectionLimit } from "./connection-limit.ts";
import { aboutApi, registerComponents } from "./describe-api.ts";
import type { Edge, EdgeEnv, EdgePorts } from "./edge.ts";
import { allowOrigins } from "./middleware/allow-origins.ts";
import { authenticate } from "./middleware/authenticate.ts";
import { forbidCaching } from "./middleware/forbid-caching.ts";
import { handleIdempotencyKey } from "./middleware/idempotency-key.ts";
import { identifyRequest } from "./middleware/identify-request.ts";
import { limitBody } from "./middleware/limit-body.ts";
import { limitRate } from "./middleware/limit-rate.ts";
import { onlyThroughRouter } from "./middleware/only-through-router.ts";
import { errorResponse, problemResponse } from "./problem-responses.ts";
import { createReadCache } from "./read-cache.ts";
import { addAccountRoutes } from "./routes/account.ts";
import { addBatchOutputRoutes } from "./routes/batch-output.ts";
import { addBatchRoutes } from "./routes/batches.ts";
import { addEditResultRoute } from "./routes/edit-results.ts";
import { addEditRoutes } from "./routes/edits.ts";
import { addHealthRoute } from "./routes/health.ts";
import { addInstructionRoutes } from "./routes/instructions.ts";
import { addKeyRoutes } from "./routes/keys.ts";
import { addStudioRoutes } from "./routes/studio.ts";
import { addUploadTokenRoutes } from "./routes/upload-tokens.ts";
import { addUploadRoutes } from "./routes/uploads.ts";
import { addUsageRoutes } from "./routes/usage.ts";
import { addWebhookRoutes } from "./routes/webhooks.ts";

/** Creates the API on the given ports. */
export function createApp(ports: EdgePorts): OpenAPIHono<EdgeEnv> {
  const { table, queues, timing, clock, random, log } = ports;
  const edge: Edge = {
    ...ports,
    ...createReadCache(ports),
    jobs: new JobStore({ table, queues, clock, timing }),
    ledger: new Ledger(table, clock),
    keys: new KeyStore(table, clock, random),
    uploadTokens: new UploadTokens(table, clock, random),
    connections: new ConnectionLimit({ table, clock, random }, ports.settings.heldConnections),
  };
  const app = new OpenAPIHono<EdgeEnv>({
    defaultHook: (result, context) => {
      if (result.success) return undefined;
      // A malformed ID cannot exist. The path may also be a fixed one that allows other methods.
      if (result.target === "param") return notFoundResponse(context);
      const errors = result.error.issues.map(({ path, message }) => ({
        pointer: `/${path.join("/")}`,
        message,
      }));
      const [first] = errors;
      return problemResponse(context, "invalid_request", `${first?.pointer}: ${first?.message}`, { errors });
    },
  });
  app.onError((error, context) => errorResponse(context, error, log));
  // Initialized lazily, because the routes are registered below.
  let allowedAt: ReturnType<typeof createAllowedMethods> | undefined;
  function notFoundResponse(context: Context<EdgeEnv>): Response {
    const { method, path } = context.req;
    allowedAt ??= createAllowedMethods(app.routes);
    const allowed = allowedAt(path);
    if (!allowed.length || allowed.includes(method))
      return problemResponse(context, "not_found", `Path ${path} not found; see /docs.`);
    context.header("Allow", allowed.join(", "));
    return problemResponse(
      context,
      "method_not_allowed",
      `${path} does not allow ${method}; use ${allowed.join(", ")}.`,
    );
  }
  app.notFound(notFoundResponse);
  app.use(identifyRequest(edge));
  app.use(onlyThroughRouter(edge));
  app.use("/v1/*", allowOrigins);
  app.use(limitBody);
  app.use("/v1/*", forbidCaching, authenticate(edge), limitRate(edge), handleIdempotencyKey(edge));

  addHealthRoute(app);
  // The build copies the folder next to each bundled entry point.
  addStudioRoutes(app, new URL("studio/", import.meta.url));
  addUploadTokenRoutes(app, edge);
  addUploadRoutes(app, edge);
  addInstructionRoutes(app, edge);
  addEditRoutes(app, edge);
  addEditResultRoute(app, edge);
  addBatchRoutes(app, edge);
  addBatchOutputRoutes(app, edge);
  addUsageRoutes(app, edge);
  addAccountRoutes(app, edge);
  addKeyRoutes(app, edge);
  addWebhookRoutes(app, edge);

  registerComponents(app);
  app.doc31("/openapi.json", aboutApi(ports.settings.publicUrl));
  return app;
}
