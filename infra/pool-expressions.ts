import { type PoolName, pools, queuesOf, reckonedSeconds } from "./scaling-policy.ts";

/**
 * The rules of `scaling-policy.ts` in CloudWatch's metric mathematics. A series that says nothing counts as zero: a service
 * without tasks and a queue that has slept for hours report nothing at all.
 */
const filled = (id: string) => `FILL(${id}, 0)`;
const desired = filled("desired");
const visible = (pool: PoolName) => queuesOf(pool).map((queue) => filled(`visible_${queue}`));
const inFlight = (pool: PoolName) => queuesOf(pool).map((queue) => filled(`in_flight_${queue}`));

const backlog = (pool: PoolName): string =>
  queuesOf(pool)
    .map((queue) => `${filled(`visible_${queue}`)} * ${reckonedSeconds[queue]}`)
    .join(" + ");
const messages = (pool: PoolName): string => [...visible(pool), ...inFlight(pool)].join(" + ");

/** Seconds of work that wait while there is no worker; 0 as soon as one is wanted. */
export const wakeExpression = (pool: PoolName): string => `IF(${desired} < 1, ${backlog(pool)}, 0)`;

/** Seconds of work that wait for each worker wanted. Not for each that runs: those that boot would be asked for again. */
export const trackExpression = (pool: PoolName): string =>
  `IF(${desired} > 0, (${backlog(pool)}) / ${desired}, 0)`;

/** Messages waiting or in work; 1, which rings nothing, where no worker is too many. */
export const idleExpression = (pool: PoolName, minimum: number): string =>
  `IF(${desired} > ${minimum}, ${messages(pool)}, 1)`;

/** Share of the lanes with work; 1 where the last worker stays. */
export const busyExpression = (pool: PoolName, minimum: number): string =>
  `IF(${desired} > ${Math.max(1, minimum)}, (${messages(pool)}) / (${desired} * ${pools[pool].lanes.length}), 1)`;

/** A pool that wants workers and has none. */
export const unreadyExpression = `IF(${desired} > 0 AND ${filled("running")} < 1, 1, 0)`;
