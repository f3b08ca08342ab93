import { status } from "../state/notices.ts";

/** Announces status changes to screen readers. */
export function LiveStatus() {
  return (
    <p class="sr-only" role="status" aria-live="polite">
      {status.value}
    </p>
  );
}
