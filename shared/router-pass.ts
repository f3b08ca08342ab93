import { createHmac, timingSafeEqual } from "node:crypto";

/** The header by which the router shows that a request came through it. */
export const routerHeader = "x-visii-router";

const dayOf = (milliseconds: number): number => Math.floor(milliseconds / 86_400_000);
const sign = (key: string, day: number): string =>
  createHmac("sha256", key).update(`router ${day}`).digest("base64url");

/** The pass that a deployment gives the router: another each day, good until the next deployment. */
export function createPass(key: string, deployedAt: number): string {
  const day = dayOf(deployedAt);
  return `${day}.${sign(key, day)}`;
}

/**
 * Whether a pass is this deployment's or a later one's. One of an earlier is good for a day more, because the router's
 * parts hear of a change one after another, before the function does or after it.
 */
export function isPass(
  text: string,
  { key, deployedAt, now }: { readonly key: string; readonly deployedAt: number; readonly now: number },
): boolean {
  const [, day = "", signature = ""] = /^(\d{1,6})\.([\w-]{43})$/.exec(text) ?? [];
  if (!day || !timingSafeEqual(Buffer.from(signature), Buffer.from(sign(key, Number(day))))) return false;
  return Number(day) >= dayOf(deployedAt) || dayOf(now) <= dayOf(deployedAt) + 1;
}
