import { type PoolName, type PoolReading, queuesOf } from "../../infra/scaling-policy.ts";

/** A reading as CloudWatch has it: no series where there is nothing to count. */
export const seriesOf = (pool: PoolName, { visible, inFlight, desired }: PoolReading) =>
  Object.fromEntries([
    ...queuesOf(pool).flatMap((queue) => [
      ...(visible[queue] === undefined ? [] : [[`visible_${queue}`, visible[queue]]]),
      ...(inFlight[queue] === undefined ? [] : [[`in_flight_${queue}`, inFlight[queue]]]),
    ]),
    ...(desired ? [["desired", desired]] : []),
  ]);

const depths = [undefined, 0, 1, 3, 11, 40, 170, 700, 5000];

/** Every pool's queues at these depths, in turn, with these numbers of workers. */
export function allReadings(pool: PoolName): readonly PoolReading[] {
  const queues = queuesOf(pool);
  return [0, 1, 2, 3, 7, 8].flatMap((desired) =>
    depths.flatMap((depth, index) =>
      [undefined, 0, 1, desired].map((held) => {
        const other = depths[(index * 5 + desired) % depths.length];
        const counts = (first: number | undefined, second: number | undefined) =>
          Object.fromEntries(
            queues.flatMap((queue, position) => {
              const count = position ? second : first;
              return count === undefined ? [] : [[queue, count]];
            }),
          );
        return { desired, visible: counts(depth, other), inFlight: counts(held, held) };
      }),
    ),
  );
}
