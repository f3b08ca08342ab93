import { seed, textGuidance } from "../state/bench.ts";
import { guidance } from "../state/library.ts";
import { Slider } from "./slider.tsx";

/** Highest guidance scale that the API accepts. */
const maxGuidance = 30;

/** Sliders for the edit's guidance scale and noise. */
export function Adjustments() {
  const learned = guidance.value;
  return (
    <div class="sliders">
      {learned === undefined ? undefined : (
        <Slider
          label="Text guidance"
          value={textGuidance.value ?? learned}
          {...{ min: 0, max: Math.min(maxGuidance, 2 * learned || 2), step: 0.05 }}
          shown={textGuidance.value === undefined ? "as learned" : textGuidance.value.toFixed(2)}
          onValue={(value) => {
            textGuidance.value = value === learned ? undefined : value;
          }}
        />
      )}
      <Slider
        label="Seed"
        value={seed.value}
        {...{ min: 0, max: 99, step: 1 }}
        shown={seed.value === 0 ? "fixed" : String(seed.value)}
        onValue={(value) => {
          seed.value = value;
        }}
      />
    </div>
  );
}
