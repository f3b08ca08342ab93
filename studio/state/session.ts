import { computed, signal } from "@preact/signals";
import { ApiError, visii } from "../../client/visii.ts";

const stored = "visii key";

/** The API key, stored for this tab only; empty if there is none. */
export const key = signal(sessionStorage.getItem(stored) ?? "");

export const api = computed(() => visii({ baseUrl: location.origin, key: key.value }));

export function setKey(value: string): void {
  key.value = value.trim();
  sessionStorage.setItem(stored, key.value);
}

export function forgetKey(): void {
  key.value = "";
  sessionStorage.removeItem(stored);
}

/**
 * Removes a key from the URL. It is in the fragment, which browsers never send, and must not stay in the
 * history.
 */
export function takeKeyFromAddress(): void {
  const given = new URLSearchParams(location.hash.slice(1)).get("key");
  if (given === null) return;
  history.replaceState(history.state, "", location.pathname + location.search);
  setKey(given);
}

/** An error's message for the user; the service's own messages say what to do. */
export function wordsOf(error: unknown): string {
  if (error instanceof ApiError) return error.problem.detail;
  if (error instanceof TypeError)
    return "The service does not respond. Check that it is running, then try again.";
  return error instanceof Error ? error.message : String(error);
}
