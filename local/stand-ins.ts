/// <reference path="./dynalite.d.ts" />
import type { AddressInfo } from "node:net";
import { CreateTableCommand } from "@aws-sdk/client-dynamodb";
import dynalite from "dynalite";
import { startFauxqs } from "fauxqs";
import { type AwsOptions, createAwsClients } from "../shared/aws/clients.ts";
import { tableDefinition } from "../shared/aws/dynamo-table-definition.ts";
import { queueNames, queueTiming } from "../shared/queue-timing.ts";
import { workerAccess } from "../shared/worker-access.ts";
import { closeServer, keepIdleConnections } from "./http-server.ts";
import { startStoreGate } from "./store-gate.ts";
import { restrictTable } from "./table-access.ts";
import { addTransactions } from "./table-transactions.ts";

/** Stand-ins for S3, SQS and DynamoDB, in this process's memory. */
export interface StandIns {
  readonly aws: AwsOptions;
  readonly bucket: string;
  readonly table: string;
  /** By queue name. */
  readonly queueUrls: Readonly<Record<keyof typeof queueNames, string>>;
  readonly deadLetterUrls: Readonly<Record<keyof typeof queueNames, string>>;
  /** Queue of webhook deliveries. */
  readonly webhookQueueUrl: string;
  /** Queue of ended jobs. */
  readonly settlementQueueUrl: string;
  /** Credentials of workers, which the table restricts as the deployment does. */
  readonly workerCredentials: NonNullable<AwsOptions["credentials"]>;
  stop(): Promise<void>;
}

const workerCredentials = { accessKeyId: "worker", secretAccessKey: "worker" } as const;
const credentials = { accessKeyId: "local", secretAccessKey: "local" } as const;

/** Starts the stand-ins on free ports of `host` and creates bucket, table, queues and dead-letter queues. */
export async function startStandIns(host = "127.0.0.1"): Promise<StandIns> {
  const bucket = "visii";
  const table = "visii";
  const region = "us-east-1";
  const objects = await startFauxqs({ port: 0, host, logger: false, defaultRegion: region });
  objects.createBucket(bucket);
  const endpoint = `http://${host}:${objects.port}`;
  const gate = await startStoreGate(endpoint, credentials, host);

  const database = dynalite({ createTableMs: 0 });
  addTransactions(database, ["pk", "sk"]);
  restrictTable(database, { [workerCredentials.accessKeyId]: workerAccess });
  keepIdleConnections(database);
  await new Promise<void>((resolve) => database.listen(0, host, resolve));
  const { port } = database.address() as AddressInfo;
  const aws: AwsOptions = {
    region,
    credentials,
    storeEndpoint: gate.url,
    queueEndpoint: endpoint,
    tableEndpoint: `http://${host}:${port}`,
  };
  const clients = createAwsClients(aws);
  await clients.dynamo.send(new CreateTableCommand(tableDefinition(table)));
  clients.destroy();

  const makeQueue = (name: string) => {
    const dead = objects.createQueue(`${name}-dead`, { region });
    const { queueUrl } = objects.createQueue(name, {
      region,
      attributes: {
        RedrivePolicy: JSON.stringify({
          deadLetterTargetArn: dead.queueArn,
          maxReceiveCount: queueTiming.maxReceives,
        }),
      },
    });
    return [queueUrl, dead.queueUrl] as const;
  };
  const made = Object.entries(queueNames).map(([role, name]) => [role, makeQueue(name)] as const);
  const urls = (index: 0 | 1) =>
    Object.fromEntries(made.map(([role, pair]) => [role, pair[index]])) as StandIns["queueUrls"];
  return {
    aws,
    bucket,
    table,
    queueUrls: urls(0),
    deadLetterUrls: urls(1),
    webhookQueueUrl: objects.createQueue("visii-webhooks", { region }).queueUrl,
    workerCredentials,
    settlementQueueUrl: objects.createQueue("visii-settlements", { region }).queueUrl,
    async stop() {
      await gate.stop();
      await objects.stop();
      await closeServer(database);
    },
  };
}
