import type { Edge } from "./edge.ts";
import { refuse } from "./problem-answers.ts";

/** An address that may not be called is refused when it is given, not when the job has ended. */
export function requireCallable(
  { refuseWebhook }: Pick<Edge, "refuseWebhook">,
  url: string | undefined,
): void {
  const refusal = url === undefined ? undefined : refuseWebhook(url);
  if (refusal !== undefined) throw refuse("forbidden_url", refusal);
}
