import { CreateTableCommand } from "@aws-sdk/client-dynamodb";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe } from "vitest";
import { type AwsClients, type AwsOptions, createAwsClients } from "../../shared/aws/clients.ts";
import { DynamoTable } from "../../shared/aws/dynamo-table.ts";
import { tableDefinition } from "../../shared/aws/dynamo-table-definition.ts";
import { S3ObjectStore } from "../../shared/aws/s3-object-store.ts";
import { createQueuePair } from "./create-queue-pair.ts";
import { jobQueueContract } from "./job-queue-contract.ts";
import { ManualClock } from "./manual-clock.ts";
import { objectStoreContract } from "./object-store-contract.ts";
import {
  type StrictServer,
  type StrictServerKind,
  strictCredentials,
  strictServers,
} from "./strict-servers.ts";
import { tableContract } from "./table-contract.ts";

const missing = Object.values(strictServers).filter(({ isHere }) => !isHere);
if (missing.length)
  console.warn(`NOT RUN: contracts on ${missing.map(({ name }) => name).join(", ")}; .ci/servers gets them.`);

/**
 * The contract on a server of another vendor, which rejects requests as AWS does. Skipped if the server is
 * not installed.
 */
function on(
  what: string,
  kind: StrictServerKind,
  endpoint: keyof AwsOptions,
  contract: (open: Open) => void,
) {
  describe.skipIf(!kind.isHere)(`${what} on ${kind.name}`, () => {
    let server: StrictServer;
    let clients: AwsClients;
    beforeAll(async () => {
      server = await kind.start();
      clients = createAwsClients({
        region: "us-east-1",
        credentials: strictCredentials,
        [endpoint]: server.endpoint,
      });
      if (endpoint === "tableEndpoint")
        await clients.dynamo.send(new CreateTableCommand(tableDefinition("visii")));
      if (endpoint === "storeEndpoint") await clients.s3.send(new CreateBucketCommand({ Bucket: "visii" }));
    });
    afterAll(async () => {
      clients?.destroy();
      await server?.stop();
    });
    contract(() => clients);
  });
}
type Open = () => AwsClients;

on("the table", strictServers.dynamo, "tableEndpoint", (clients) =>
  tableContract(() => {
    const clock = new ManualClock();
    return { clock, table: new DynamoTable(clients().dynamo, "visii", clock) };
  }),
);

on("the object store", strictServers.versitygw, "storeEndpoint", (clients) =>
  objectStoreContract(() => new S3ObjectStore(clients().s3, "visii")),
);

on("the queue", strictServers.elasticmq, "queueEndpoint", (clients) =>
  jobQueueContract((maxReceives) => createQueuePair(clients().sqs, maxReceives)),
);
