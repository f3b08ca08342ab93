import type { QueueName } from "../../shared/queue-timing.ts";
import { requestPrices } from "../machines.ts";

/** Requests of one job, including its uploads and the caller who waits for it. */
interface Usage {
  readonly writeUnits: number;
  readonly readUnits: number;
  readonly lambdaRequests: number;
  /** Memory times duration; a waiting caller uses 1 GB. */
  readonly lambdaGbSeconds: number;
  readonly objectsWritten: number;
  readonly messages: number;
}

/**
 * Write units of a bulk edit were counted (`npm run bench -- batch`: 8.1 in the table, 7.0 in its index). The others
 * are estimates: rows of an edit and its request, four reads a second while a caller waits, one row and one event per
 * second of learning, and three requests for the message that settles a job.
 */
const usageOf: Readonly<Record<QueueName, Usage>> = {
  interactive: {
    writeUnits: 20,
    readUnits: 60,
    lambdaRequests: 4.5,
    lambdaGbSeconds: 11,
    objectsWritten: 3,
    messages: 7,
  },
  learning: {
    writeUnits: 302,
    readUnits: 600,
    lambdaRequests: 8.5,
    lambdaGbSeconds: 100,
    objectsWritten: 12,
    messages: 15,
  },
  bulk: {
    writeUnits: 15,
    readUnits: 10,
    lambdaRequests: 0.6,
    lambdaGbSeconds: 0.1,
    objectsWritten: 2,
    messages: 7,
  },
};

/** US dollars per job. */
export function requestCost(queue: QueueName): number {
  const usage = usageOf[queue];
  return (
    usage.writeUnits * requestPrices.writeUnit +
    usage.readUnits * requestPrices.readUnit +
    usage.lambdaRequests * requestPrices.lambdaRequest +
    usage.lambdaGbSeconds * requestPrices.lambdaGbSecond +
    usage.objectsWritten * requestPrices.objectWritten +
    usage.messages * requestPrices.message
  );
}

/** US dollars a day for NAT in two zones, each with an address. */
export const natDay = (nat: "managed" | "ec2"): number =>
  2 *
  24 *
  (requestPrices.publicAddressHour +
    (nat === "managed" ? requestPrices.natHour : requestPrices.smallNatHour));
