import { status } from "../state/notices.ts";

/** Tells those who do not see it what goes on. */
export function LiveStatus() {
  return (
    <p class="sr-only" role="status" aria-live="polite">
      {status.value}
    </p>
  );
}
