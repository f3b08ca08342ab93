import { afterAll, beforeAll, describe } from "vitest";
import { type StandIns, startStandIns } from "../../local/stand-ins.ts";
import { type AwsClients, createAwsClients } from "../../shared/aws/clients.ts";
import { DynamoTable } from "../../shared/aws/dynamo-table.ts";
import { S3ObjectStore } from "../../shared/aws/s3-object-store.ts";
import { createQueuePair } from "./create-queue-pair.ts";
import { jobQueueContract } from "./job-queue-contract.ts";
import { ManualClock } from "./manual-clock.ts";
import { objectStoreContract } from "./object-store-contract.ts";
import { tableContract } from "./table-contract.ts";

let standIns: StandIns;
let clients: AwsClients;

beforeAll(async () => {
  standIns = await startStandIns();
  clients = createAwsClients(standIns.aws);
});

afterAll(async () => {
  clients?.destroy();
  await standIns?.stop();
});

describe("the table on dynalite", () => {
  tableContract(() => {
    const clock = new ManualClock();
    return { clock, table: new DynamoTable(clients.dynamo, standIns.table, clock) };
  });
});

describe("the object store on fauxqs", () => {
  objectStoreContract(() => new S3ObjectStore(clients.s3, standIns.bucket));
});

describe("the queue on fauxqs", () => {
  jobQueueContract((maxReceives) => createQueuePair(clients.sqs, maxReceives));
});
