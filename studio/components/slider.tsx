import type { Signal } from "@preact/signals";

interface SliderProps {
  readonly label: string;
  readonly value: Signal<number>;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  show(value: number): string;
}

export function Slider({ label, value, min, max, step, show }: SliderProps) {
  const part = (value.value - min) / (max - min);
  return (
    <label class="control slider">
      <span class="label">
        {label} <span class="value">{show(value.value)}</span>
      </span>
      <input
        type="range"
        {...{ min, max, step }}
        value={value.value}
        aria-valuetext={show(value.value)}
        style={{ "--part": `${part * 100}%` }}
        onInput={(event) => {
          value.value = event.currentTarget.valueAsNumber;
        }}
      />
    </label>
  );
}
