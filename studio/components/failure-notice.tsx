import { useEffect, useRef } from "preact/hooks";
import { failure } from "../state/notices.ts";
import { CloseIcon } from "./icons.tsx";

/** The last error, scrolled into view, with a button to retry. */
export function FailureNotice() {
  const notice = useRef<HTMLDivElement>(null);
  const shown = failure.value;
  useEffect(() => notice.current?.scrollIntoView({ block: "nearest" }), [shown]);
  if (!shown) return undefined;
  const { title, message, retry } = shown;
  return (
    <div ref={notice} class="notice wrong-notice" role="alert">
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
