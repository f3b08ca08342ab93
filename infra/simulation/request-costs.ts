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
 * Write units of a bulk edit were counted (`npm run bench -- batch`: 6.1 in the table, 7.0 in its index). The others
 * are estimates: rows of an edit and its request, four reads a second while a caller waits, and one row and one event
 * per second of learning.
 */
const usageOf: Readonly<Record<QueueName, Usage>> = {
  interactive: {
    writeUnits: 18,
    readUnits: 60,
    lambdaRequests: 4,
    lambdaGbSeconds: 11,
    objectsWritten: 3,
    messages: 4,
  },
  learning: {
    writeUnits: 300,
    readUnits: 600,
    lambdaRequests: 8,
    lambdaGbSeconds: 100,
    objectsWritten: 12,
    messages: 12,
  },
  bulk: {
    writeUnits: 13,
    readUnits: 10,
    lambdaRequests: 0.1,
    lambdaGbSeconds: 0.1,
    objectsWritten: 2,
    messages: 4,
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
