import type { QueueName } from "../../shared/queue-timing.ts";
import { requestPrices } from "../machines.ts";

/** What one job asks of AWS beside a machine, its uploads and whoever waits for it included. */
interface Usage {
  readonly writeUnits: number;
  readonly readUnits: number;
  readonly lambdaRequests: number;
  /** Of Lambda's memory, for as long as functions run: a caller who waits holds 1 GB. */
  readonly lambdaGbSeconds: number;
  readonly objectsWritten: number;
  readonly messages: number;
}

/**
 * Write units of a bulk edit are counted (`npm run bench -- batch`: 6.1 of the table, 7.0 of its index). The others are reckoned from
 * what the code does: rows of an edit and of its request, a look each quarter of a second while somebody waits, a row and an event
 * each second of a learning.
 */
const usageOf: Readonly<Record<QueueName, Usage>> = {
  interactive: {
    ...{
      writeUnits: 18,
      readUnits: 60,
      lambdaRequests: 4,
      lambdaGbSeconds: 11,
      objectsWritten: 3,
      messages: 4,
    },
  },
  learning: {
    ...{
      writeUnits: 300,
      readUnits: 600,
      lambdaRequests: 8,
      lambdaGbSeconds: 100,
      objectsWritten: 12,
      messages: 12,
    },
  },
  bulk: {
    ...{
      writeUnits: 13,
      readUnits: 10,
      lambdaRequests: 0.1,
      lambdaGbSeconds: 0.1,
      objectsWritten: 2,
      messages: 4,
    },
  },
};

/** US dollars of one job's requests. */
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

/** US dollars a day of NAT, in two zones with an address each. */
export const natDay = (nat: "managed" | "ec2"): number =>
  2 *
  24 *
  (requestPrices.publicAddressHour +
    (nat === "managed" ? requestPrices.natHour : requestPrices.smallNatHour));
