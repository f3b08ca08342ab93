import { useSignal } from "@preact/signals";
import { refusal } from "../state/open-studio.ts";
import { setKey } from "../state/session.ts";

/** Asks for an API key if the URL contained none. */
export function KeyForm() {
  const typed = useSignal("");
  return (
    <form
      class="key-form card"
      onSubmit={(event) => {
        event.preventDefault();
        setKey(typed.value);
      }}
    >
      <div>
        <label class="label" for="key">
          API key
        </label>
        <p class="hint" id="key-hint">
          The key stays in this tab. <code>npm run dev</code> prints a URL that contains one.
        </p>
      </div>
      <div class="key-form-row">
        <input
          id="key"
          class="field"
          type="password"
          autocomplete="off"
          placeholder="visii_…"
          required
          aria-describedby="key-hint"
          value={typed.value}
          onInput={(event) => {
            typed.value = event.currentTarget.value;
          }}
        />
        <button class="button primary" type="submit">
          Open
        </button>
      </div>
      {refusal.value === "" ? undefined : (
        <p class="wrong" role="alert">
          {refusal.value}
        </p>
      )}
    </form>
  );
}
