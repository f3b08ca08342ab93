import { seed, source, strength } from "../state/bench.ts";
import { guidance } from "../state/library.ts";
import { Slider } from "./slider.tsx";

/** Sliders for the edit's strength and noise. */
export function Adjustments() {
  const isStrengthKnown = source.value === "pair" || guidance.value !== undefined;
  return (
    <div class="sliders">
      {isStrengthKnown ? (
        <Slider
          label="Strength"
          value={strength}
          {...{ min: 0, max: 2, step: 0.05 }}
          show={(value) => (value === 1 ? "as learned" : `× ${value.toFixed(2)}`)}
        />
      ) : undefined}
      <Slider
        label="Seed"
        value={seed}
        {...{ min: 0, max: 99, step: 1 }}
        show={(value) => (value === 0 ? "fixed" : String(value))}
      />
    </div>
  );
}
