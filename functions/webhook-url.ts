import type { Edge } from "./edge.ts";
import { refuse } from "./problem-responses.ts";

/** Refuses a forbidden webhook URL when it is submitted, not when the job ends. */
export function requireAllowedWebhook(
  { refuseWebhook }: Pick<Edge, "refuseWebhook">,
  url: string | undefined,
): void {
  const refusal = url === undefined ? undefined : refuseWebhook(url);
  if (refusal !== undefined) throw refuse("forbidden_url", refusal);
}
