import { createHmac, timingSafeEqual } from "node:crypto";

/** Header that proves that a request came through the router. */
export const routerHeader = "x-visii-router";

const dayOf = (milliseconds: number): number => Math.floor(milliseconds / 86_400_000);
const sign = (key: string, day: number): string =>
  createHmac("sha256", key).update(`router ${day}`).digest("base64url");

/**
 * The router's signed header value. It depends on the day of deployment and is valid until the next
 * deployment.
 */
export function createRouterToken(key: string, deployedAt: number): string {
  const day = dayOf(deployedAt);
  return `${day}.${sign(key, day)}`;
}

/**
 * Whether a token belongs to this or a later deployment. Earlier tokens are accepted for one more day, because
 * the router's edge locations and the function are updated at different times.
 */
export function isRouterToken(
  text: string,
  { key, deployedAt, now }: { readonly key: string; readonly deployedAt: number; readonly now: number },
): boolean {
  const [, day = "", signature = ""] = /^(\d{1,6})\.([\w-]{43})$/.exec(text) ?? [];
  if (!day || !timingSafeEqual(Buffer.from(signature), Buffer.from(sign(key, Number(day))))) return false;
  return Number(day) >= dayOf(deployedAt) || dayOf(now) <= dayOf(deployedAt) + 1;
}
