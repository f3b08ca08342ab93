import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { defined } from "../defined.ts";

export interface AwsOptions {
  readonly region: string;
  /** Endpoints of stand-ins. Default: AWS. */
  readonly storeEndpoint?: string;
  readonly queueEndpoint?: string;
  readonly tableEndpoint?: string;
  /** For stand-ins. Default: the SDK's provider chain. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

export interface AwsClients {
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly dynamo: DynamoDBDocumentClient;
  destroy(): void;
}

export function createAwsClients(options: AwsOptions): AwsClients {
  const { region, storeEndpoint, queueEndpoint, tableEndpoint, credentials } = options;
  const common = { region, maxAttempts: 4, ...defined({ credentials }) };
  const s3 = new S3Client({
    ...common,
    // By default, a signed URL would contain the checksum of an empty body.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    ...(storeEndpoint ? { endpoint: storeEndpoint, forcePathStyle: true } : {}),
  });
  const sqs = new SQSClient({
    ...common,
    ...(queueEndpoint ? { endpoint: queueEndpoint, useQueueUrlAsEndpoint: false } : {}),
  });
  const plain = new DynamoDBClient({ ...common, ...(tableEndpoint ? { endpoint: tableEndpoint } : {}) });
  const dynamo = DynamoDBDocumentClient.from(plain, {
    // Without the second option, a map with a key "constructor" is rejected as a class instance.
    marshallOptions: { removeUndefinedValues: true, convertClassInstanceToMap: true },
    // The default throws on a number above 2^53, so one such value would make its row unreadable.
    unmarshallOptions: { wrapNumbers: Number },
  });
  return {
    s3,
    sqs,
    dynamo,
    destroy() {
      for (const client of [s3, sqs, dynamo, plain]) client.destroy();
    },
  };
}
