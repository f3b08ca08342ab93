import { existsSync, readFileSync } from "node:fs";
import { expect } from "vitest";
import { z } from "zod";
import { edgeConfigSchema, linkedSecrets } from "../../functions/config.ts";
import { objectFolders, objectKeys } from "../../shared/object-keys.ts";
import { requestsPerAddress } from "../../shared/request-rate.ts";
import { isRouterToken, routerHeader } from "../../shared/router-token.ts";
import { rowKeys } from "../../shared/rows.ts";
import { workerAccess } from "../../shared/worker-access.ts";
import type { Checks, Cloud } from "./cloud.ts";
import { root } from "./evaluate.ts";
import { allows } from "./iam.ts";
import { scalerNames } from "./scaling-checks.ts";

const object = (cloud: Cloud, key: string) => `${cloud.bucket.state.arn}/${key}`;
const queueArns = (cloud: Cloud) => cloud.all("sqs/queue").map(({ state }) => state.arn);
const jobQueues = (cloud: Cloud) =>
  (["interactive", "learning", "bulk"] as const).map((name) => cloud.queue(name).state.arn);

const functionUrlSchema = z.object({
  invokeMode: z.string(),
  cors: z.unknown().optional(),
  authorizationType: z.string(),
});

/** The router's entry for the API. */
function routeOf(cloud: Cloud) {
  const key = cloud.resources.find(({ name }) => name.startsWith("ApiRouteKey"));
  const { entries } = z.object({ entries: z.object({ metadata: z.string() }) }).parse(key?.inputs);
  return z
    .object({
      host: z.string(),
      origin: z.object({ timeouts: z.object({ readTimeout: z.number() }) }),
    })
    .parse(JSON.parse(entries.metadata));
}

export const edgeChecks: Checks = {
  "every handler's file exists and exports it": ({ builds }) => {
    expect(builds).toHaveLength(9);
    for (const { handler } of builds) {
      const [, path, name] = /^(.+)\.(\w+)$/.exec(handler) ?? [];
      expect(existsSync(`${root}/${path}.ts`), handler).toBe(true);
      expect(readFileSync(`${root}/${path}.ts`, "utf8")).toMatch(
        new RegExp(`^export (const|(async )?function) ${name}\\b`, "m"),
      );
    }
  },
  "functions run on Node 22 on Arm": (cloud) => {
    for (const { resource } of cloud.lambdas)
      expect(resource.inputs).toMatchObject({ runtime: "nodejs22.x", architectures: ["arm64"] });
  },
  "every function has the environment variables of functions/config.ts": (cloud) => {
    for (const { environment } of cloud.lambdas) {
      const config = edgeConfigSchema.parse({ ...environment, AWS_REGION: "us-east-1" });
      expect(config.VISII_BUCKET).toBe(cloud.bucket.state.id);
      expect(config.VISII_TABLE).toBe(cloud.table.state.id);
      expect(config.VISII_QUEUE_URLS).toEqual({
        interactive: cloud.queue("interactive").state.url,
        learning: cloud.queue("learning").state.url,
        bulk: cloud.queue("bulk").state.url,
      });
      expect(config.VISII_PUBLIC_URL).toMatch(/^https:/);
      expect(config.VISII_STAGE).toBe(cloud.stage);
    }
  },
  "the API streams responses": (cloud) => {
    const url = functionUrlSchema.parse(cloud.one("lambda/functionUrl").inputs);
    expect(url.invokeMode).toBe("RESPONSE_STREAM");
  },
  "only the app handles CORS": (cloud) => {
    expect(functionUrlSchema.parse(cloud.one("lambda/functionUrl").inputs).cors).toBeUndefined();
  },
  "the router's read timeout covers the longest connection": (cloud) => {
    const { longestWait } = { longestWait: edgeConfigSchema.shape.VISII_LONGEST_WAIT.parse(undefined) };
    const { readTimeout } = routeOf(cloud).origin.timeouts;
    expect(readTimeout).toBeGreaterThan(longestWait);
    // CloudFront's default maximum.
    expect(readTimeout).toBeLessThanOrEqual(60);
    expect(cloud.lambda("Api").resource.inputs.timeout).toBeGreaterThan(longestWait);
  },
  "the router forwards requests to the API": (cloud) => {
    const url = String(cloud.one("lambda/functionUrl").state.functionUrl);
    expect(routeOf(cloud).host).toBe(new URL(url).host);
  },
  "the router redirects HTTP to HTTPS": (cloud) => {
    const { defaultCacheBehavior } = cloud.one("cloudfront/distribution").inputs;
    expect(defaultCacheBehavior).toMatchObject({ viewerProtocolPolicy: "redirect-to-https" });
  },
  "the router caches no response": (cloud) => {
    const { defaultCacheBehavior, orderedCacheBehaviors } = cloud.one("cloudfront/distribution").inputs;
    // AWS's managed policy CachingDisabled. Other policies use a cache key without the caller.
    expect(defaultCacheBehavior).toMatchObject({ cachePolicyId: "4135ea2d-6df8-44a3-9df3-4b5a84be39ad" });
    expect(orderedCacheBehaviors ?? []).toEqual([]);
  },
  "the router forwards all methods, and all headers except Host": (cloud) => {
    const { allowedMethods, originRequestPolicyId } = z
      .object({ allowedMethods: z.array(z.string()), originRequestPolicyId: z.string() })
      .parse(cloud.one("cloudfront/distribution").inputs.defaultCacheBehavior);
    for (const method of ["GET", "HEAD", "OPTIONS", "POST", "PATCH", "DELETE"])
      expect(allowedMethods).toContain(method);
    // AWS's managed policy AllViewerExceptHostHeader: a function URL accepts only its own host.
    expect(originRequestPolicyId).toBe("b689b0a8-53d0-40ab-baf2-68738e2966ac");
  },
  "the API's function is invoked only through its function URL": (cloud) => {
    const { id } = cloud.lambda("Api").resource.state;
    const permissions = cloud
      .all("lambda/permission")
      .map(({ inputs }) => inputs)
      .filter((permission) => permission.function === id);
    expect(permissions.map(({ action }) => action).sort()).toEqual([
      "lambda:InvokeFunction",
      "lambda:InvokeFunctionUrl",
    ]);
    for (const permission of permissions)
      expect(permission.functionUrlAuthType ?? permission.invokedViaFunctionUrl).toBeTruthy();
  },
  "the studio's files are bundled with the API": ({ builds }) => {
    const { copyFiles } = builds.find(({ functionID }) => functionID === "Api")!;
    expect(copyFiles.map(({ to }) => to)).toEqual(["functions/studio"]);
    const { scripts } = JSON.parse(readFileSync(`${root}/infra/package.json`, "utf8"));
    expect(scripts.sst).toBe("tsx ../studio/build.ts && sst");
  },
  "the API sends messages and cannot receive them": (cloud) => {
    const { policy } = cloud.lambda("Api");
    for (const arn of jobQueues(cloud)) expect(allows(policy, "sqs:SendMessage", arn)).toBe(true);
    for (const arn of queueArns(cloud))
      for (const action of [
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:PurgeQueue",
        "sqs:SetQueueAttributes",
      ])
        expect(allows(policy, action, arn), `${action} on ${arn}`).toBe(false);
  },
  "the API counts messages": (cloud) => {
    const { policy } = cloud.lambda("Api");
    for (const arn of jobQueues(cloud)) expect(allows(policy, "sqs:GetQueueAttributes", arn)).toBe(true);
  },
  "workers request settlements, which only their function receives": (cloud) => {
    const { arn, url } = cloud.one("sqs/queue", "SettlementsQueue").state;
    for (const { policy, environment } of cloud.tasks) {
      expect(environment.VISII_SETTLEMENT_QUEUE_URL).toBe(url);
      expect(allows(policy, "sqs:SendMessage", arn)).toBe(true);
      expect(allows(policy, "sqs:ReceiveMessage", arn)).toBe(false);
    }
    const receivers = cloud.lambdas.filter(({ policy }) => allows(policy, "sqs:ReceiveMessage", arn));
    expect(receivers.map(({ name }) => name)).toEqual(["Settlement"]);
    const [receiver] = receivers;
    const mapping = cloud
      .all("lambda/eventSourceMapping")
      .find(({ inputs }) => inputs.eventSourceArn === arn)!;
    expect(mapping.inputs).toMatchObject({
      functionName: receiver!.resource.state.arn,
      functionResponseTypes: ["ReportBatchItemFailures"],
    });
  },
  "functions may call every operation of DynamoDB that the adapter uses": (cloud) => {
    const adapter = readFileSync(`${root}/shared/aws/dynamo-table.ts`, "utf8");
    const commands = new Set([...adapter.matchAll(/new (\w+)Command\(/g)].map(([, name]) => name));
    // A transaction requires the permission of each of its writes.
    expect(commands.delete("TransactWrite")).toBe(true);
    const operations = [...commands].map((name) => (name === "Query" ? name : `${name}Item`));
    expect(operations.length).toBeGreaterThan(5);
    for (const { policy, name } of cloud.lambdas)
      for (const operation of operations)
        expect(allows(policy, `dynamodb:${operation}`, cloud.table.state.arn), `${name} ${operation}`).toBe(
          true,
        );
  },
  "functions access rows by key, and no role scans the table": (cloud) => {
    const { arn } = cloud.table.state;
    for (const { policy, name } of cloud.lambdas)
      for (const action of ["GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"])
        expect(allows(policy, `dynamodb:${action}`, arn), `${name} ${action}`).toBe(true);
    for (const { policy, name } of cloud.runners)
      for (const action of ["Scan", "DeleteTable", "UpdateTable", "ExportTableToPointInTime"])
        expect(allows(policy, `dynamodb:${action}`, arn), `${name} ${action}`).toBe(false);
  },
  "a worker reads and writes runs, writes events, and accesses no other row": (cloud) => {
    const [account, job] = ["acc_1", "edt_1"];
    const others = [
      rowKeys.resource(account, job),
      rowKeys.resource(account, "dlv_1"),
      rowKeys.resource(account, "whk_1"),
      rowKeys.resource(account, "key_1"),
      rowKeys.resource(account, "bat_1"),
      rowKeys.balance(account),
      rowKeys.totals(account),
      rowKeys.reservation(account, job),
      rowKeys.ledger(account, "1"),
      rowKeys.spending(account, "key_1#2026-11"),
      rowKeys.batchLine("bat_1", 1),
      rowKeys.namedUpload(account, 1),
      rowKeys.deletion(account, job),
      rowKeys.secret("hash"),
      rowKeys.uploadToken("hash"),
      rowKeys.idempotency(account, "hash"),
      rowKeys.rate(account, 1),
      rowKeys.heldConnection(account, 1),
      rowKeys.quota(account, "uploadBytes"),
      rowKeys.circuit(account, "example.com"),
      rowKeys.erasure(account),
      rowKeys.scaler("bulk"),
    ];
    const operations = ["GetItem", "BatchGetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"];
    for (const { policy } of cloud.tasks) {
      const allowed = ({ pk }: { readonly pk: string }) =>
        operations.filter((operation) =>
          allows(policy, `dynamodb:${operation}`, cloud.table.state.arn, { "dynamodb:LeadingKeys": pk }),
        );
      expect(allowed(rowKeys.run(account, job))).toEqual(["GetItem", "PutItem", "UpdateItem"]);
      expect(allowed(rowKeys.event(job, "1"))).toEqual(["PutItem"]);
      for (const key of others) expect(allowed(key), `${key.pk} ${key.sk}`).toEqual([]);
      // What the local table enforces on workers.
      for (const { operations, partitions } of workerAccess)
        for (const operation of operations)
          for (const pk of partitions)
            expect(allowed({ pk: pk.replace("*", "x") }), `${operation} ${pk}`).toContain(operation);
    }
  },
  "only the sweeper queries the due index": (cloud) => {
    const index = `${cloud.table.state.arn}/index/by_due`;
    const finders = cloud.runners.filter(({ policy }) => allows(policy, "dynamodb:Query", index));
    expect(finders.map(({ name }) => name)).toEqual(["SweepHandler"]);
  },
  "the API writes uploads and inputs, but no results, instructions or models": (cloud) => {
    const { policy } = cloud.lambda("Api");
    const may = (key: string) => allows(policy, "s3:PutObject", object(cloud, key));
    expect(["uploads/a/b", "inputs/a/b"].filter(may)).toHaveLength(2);
    expect(["results/a/b", "instructions/a/b", "models/m/unet", "drops/a/b"].filter(may)).toEqual([]);
  },
  "the sweeper deletes every kind of object of an account, and no model": (cloud) => {
    const { policy } = cloud.lambda("SweepHandler");
    const may = (key: string) => allows(policy, "s3:DeleteObject", object(cloud, key));
    expect(objectFolders.filter((folder) => may(`${folder}/a/b`))).toEqual(objectFolders);
    expect(may("models/m/unet")).toBe(false);
  },
  "the API deletes an upload's files": (cloud) => {
    const { policy } = cloud.lambda("Api");
    for (const key of [
      objectKeys.upload("a", "b"),
      objectKeys.input("a", "b"),
      objectKeys.normalized("a", "b"),
    ])
      expect(allows(policy, "s3:DeleteObject", object(cloud, key)), key).toBe(true);
  },
  "the API reads results, instructions and batches, but no models or drops": (cloud) => {
    const { policy } = cloud.lambda("Api");
    const may = (key: string) => allows(policy, "s3:GetObject", object(cloud, key));
    expect(["results/a/b", "instructions/a/b/preview.jpg", "batches/a/b"].filter(may)).toHaveLength(3);
    expect(["models/m/unet", "drops/a/b"].filter(may)).toEqual([]);
  },
  "roles that read objects can list the bucket, so that S3 returns 404 for a missing object": (cloud) => {
    for (const { policy, name } of cloud.runners)
      if (policy.some(({ Action }) => Action.includes("s3:GetObject")))
        expect(allows(policy, "s3:ListBucket", cloud.bucket.state.arn), name).toBe(true);
  },
  "no role has wildcard actions or resources": (cloud) => {
    const roles = cloud.all("iam/role").filter(({ name }) => !name.startsWith("Network"));
    expect(roles.length).toBeGreaterThan(7);
    for (const role of roles)
      for (const { Effect, Action, Resource } of cloud.policyOf(role)) {
        expect(Effect).toBe("Allow");
        expect(
          Action.filter((action) => action.includes("*")),
          role.name,
        ).toEqual([]);
        // AWS supports no resources for these two.
        if (["ecr:GetAuthorizationToken", "autoscaling:DescribeAutoScalingGroups"].includes(Action.join()))
          continue;
        expect(
          Resource.filter((arn) => arn === "*" || /^arn:aws:\w+:\*/.test(arn)),
          role.name,
        ).toEqual([]);
      }
  },
  "each role is assumed by one service only": (cloud) => {
    for (const role of cloud.all("iam/role")) {
      const document = role.inputs.assumeRolePolicy;
      const { Statement } = z
        .object({ Statement: z.array(z.object({ Principal: z.record(z.string(), z.unknown()) })) })
        .parse(typeof document === "string" ? JSON.parse(document) : document);
      expect(Statement, role.name).toHaveLength(1);
      expect(Object.keys(Statement[0]!.Principal), role.name).toEqual(["Service"]);
      expect([Statement[0]!.Principal.Service].flat(), role.name).toHaveLength(1);
    }
  },
  "only the billing functions get the billing key, and only the API gets the router key": ({ builds }) => {
    const given = (secret: string) =>
      builds.filter(({ links }) => secret in links).map(({ functionID }) => functionID);
    const { VISII_STRIPE_KEY: billing, VISII_ROUTER_KEY: router } = linkedSecrets;
    expect(given(billing).sort()).toEqual(["SweepHandler", "TableSubscriberDueFunction"]);
    expect(given(router)).toEqual(["Api"]);
    const known: readonly string[] = [billing, router];
    for (const { links } of builds)
      expect(Object.keys(links).filter((name) => !known.includes(name))).toEqual([]);
  },
  "the router signs requests with the key that the API verifies": (cloud) => {
    const { links } = cloud.builds.find(({ functionID }) => functionID === "Api")!;
    const key = String(links[linkedSecrets.VISII_ROUTER_KEY]!.value);
    const deployedAt = Number(cloud.lambda("Api").environment.VISII_ROUTER_SINCE);
    const { code } = z
      .object({ code: z.string() })
      .parse(cloud.all("cloudfront/function").map(({ inputs }) => inputs)[0]);
    const [, pass = ""] =
      new RegExp(`headers\\["${routerHeader}"\\] = { value: "([^"]+)" }`).exec(code) ?? [];
    expect(isRouterToken(pass, { key, deployedAt, now: deployedAt + 86_400_000 * 365 })).toBe(true);
    for (const [name, text] of cloud.texts) expect(text, name).not.toContain(key);
  },
};

/** Names of resources whose inputs contain the secret. */
export function secretAppears(cloud: Cloud, secret: string): readonly string[] {
  const decoded = cloud.texts.map(([name, text]) => {
    const [, userData] = /"userData":"([^"]*)"/.exec(text) ?? [];
    return [name, text + Buffer.from(userData ?? "", "base64").toString("utf8")] as const;
  });
  return decoded.filter(([, text]) => text.includes(secret)).map(([name]) => name);
}

export const firewallChecks: Checks = {
  "the firewall limits requests per address, well above the API's own limit": (cloud) => {
    const acl = cloud.one("wafv2/webAcl");
    const { rules } = z
      .object({ rules: z.array(z.object({ name: z.string(), statement: z.unknown(), action: z.unknown() })) })
      .parse({
        ...acl.inputs,
        rules: (acl.inputs.rules as object[]).map((rule) => ({ action: {}, ...rule })),
      });
    expect(rules.find(({ name }) => name === "RateLimitPerIP")).toMatchObject({
      action: { block: {} },
      statement: { rateBasedStatement: { aggregateKeyType: "IP", limit: requestsPerAddress } },
    });
    expect(cloud.one("cloudfront/distribution").inputs.webAclId).toBe(acl.state.arn);
    // A caller at the API's limit for five minutes must not reach the firewall's limit.
    const { VISII_REQUESTS_PER_MINUTE: perMinute } = edgeConfigSchema.shape;
    expect(requestsPerAddress).toBeGreaterThanOrEqual(2 * 5 * perMinute.parse(undefined));
  },
  "sweeper, settlement, dead letters and scaler have reserved concurrency": (cloud) => {
    const reserved = [...cloud.lambdas, ...scalerNames.map((name) => cloud.lambda(name))]
      .filter(({ resource }) => Number(resource.inputs.reservedConcurrentExecutions) > 0)
      .map(({ name }) => name);
    expect(reserved.sort()).toEqual([
      "DeadLetters",
      "ScaleHandler",
      "Settlement",
      "SweepHandler",
      "TableSubscriberWakeFunction",
    ]);
  },
};
