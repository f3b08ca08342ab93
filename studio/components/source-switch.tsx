import { source } from "../state/bench.ts";

const sources = [
  ["pair", "Pair"],
  ["words", "Words"],
  ["file", "File"],
] as const;

/** Selects the source of the edit: pair, words or file. */
export function SourceSwitch() {
  return (
    <fieldset class="switch">
      <legend class="sr-only">Where the edit comes from</legend>
      {sources.map(([value, label]) => (
        <label key={value}>
          <input
            type="radio"
            name="source"
            value={value}
            checked={source.value === value}
            onChange={() => {
              source.value = value;
            }}
          />
          <span>{label}</span>
        </label>
      ))}
    </fieldset>
  );
}
