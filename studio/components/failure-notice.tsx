import { failure } from "../state/notices.ts";
import { CloseIcon } from "./icons.tsx";

/** The last error, with a button to retry. */
export function FailureNotice() {
  const shown = failure.value;
  if (!shown) return undefined;
  const { title, message, retry } = shown;
  return (
    <div class="notice wrong-notice" role="alert">
      <div>
        <strong>{title}</strong>
        <p>{message}</p>
      </div>
      <div class="row">
        {retry ? (
          <button class="button small" type="button" onClick={() => retry()}>
            Try again
          </button>
        ) : undefined}
        <button
          class="icon-button"
          type="button"
          aria-label="Dismiss"
          onClick={() => {
            failure.value = undefined;
          }}
        >
          <CloseIcon />
        </button>
      </div>
    </div>
  );
}
