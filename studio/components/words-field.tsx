import { words } from "../state/bench.ts";

interface WordsFieldProps {
  readonly label: string;
  readonly placeholder: string;
}

/** Input for a text prompt. */
export function WordsField({ label, placeholder }: WordsFieldProps) {
  return (
    <label class="control">
      <span class="label">{label}</span>
      <input
        class="field"
        type="text"
        maxLength={300}
        placeholder={placeholder}
        value={words.value}
        onInput={(event) => {
          words.value = event.currentTarget.value;
        }}
      />
    </label>
  );
}
