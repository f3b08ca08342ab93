interface SliderProps {
  readonly label: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  /** The value for display. */
  readonly shown: string;
  onValue(value: number): void;
}

export function Slider({ label, value, min, max, step, shown, onValue }: SliderProps) {
  const part = (value - min) / (max - min);
  return (
    <label class="control slider">
      <span class="label">
        <span class="label-name">{label}</span> <span class="value">{shown}</span>
      </span>
      <input
        type="range"
        {...{ min, max, step, value }}
        aria-valuetext={shown}
        style={{ "--part": `${part * 100}%` }}
        onInput={(event) => onValue(event.currentTarget.valueAsNumber)}
      />
    </label>
  );
}
