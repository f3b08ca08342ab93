import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";

interface CompareProps {
  readonly before: string;
  readonly after: string;
  /** Accessible name. */
  readonly name: string;
  readonly size?: { readonly width: number; readonly height: number };
  /** Labels both sides. */
  readonly isFramed?: boolean;
  /** Only the handle can be dragged; the image scrolls. */
  readonly isScrolled?: boolean;
}

/** Two overlaid images of the same size with a divider, movable by mouse, finger or arrow keys. */
export function Compare({ before, after, name, size, isFramed, isScrolled }: CompareProps) {
  const cut = useSignal(50);
  const frame = useRef<HTMLDivElement>(null);
  const slider = useRef<HTMLInputElement>(null);
  const isDragged = useRef(false);
  const moveTo = (clientX: number) => {
    const box = frame.current?.getBoundingClientRect();
    if (box) cut.value = Math.round(Math.min(1, Math.max(0, (clientX - box.left) / box.width)) * 100);
  };
  return (
    <div
      ref={frame}
      class={`compare${isFramed ? " framed" : ""}${isScrolled ? " scrolled" : ""}`}
      style={{ "--cut": `${cut.value}%`, ...(size ? { aspectRatio: `${size.width} / ${size.height}` } : {}) }}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        if (isScrolled && !(event.target as Element).closest(".compare-line")) return;
        isDragged.current = true;
        frame.current?.setPointerCapture(event.pointerId);
        moveTo(event.clientX);
        slider.current?.focus({ preventScroll: true });
        event.preventDefault();
      }}
      onPointerMove={(event) => isDragged.current && moveTo(event.clientX)}
      onPointerUp={() => {
        isDragged.current = false;
      }}
      onPointerCancel={() => {
        isDragged.current = false;
      }}
    >
      <img class="compare-after" src={after} alt={`${name}, after`} draggable={false} />
      <img
        class="compare-before"
        src={before}
        alt={`${name}, before`}
        draggable={false}
        onError={({ currentTarget: image }) => {
          // Most browsers cannot show HEIC and TIFF; then only the result is visible.
          image.hidden = true;
        }}
      />
      <span class="compare-tag tag-before" aria-hidden="true">
        Before
      </span>
      <span class="compare-tag tag-after" aria-hidden="true">
        After
      </span>
      <span class="compare-line" aria-hidden="true">
        <span class="compare-handle" />
      </span>
      <input
        ref={slider}
        class="compare-slider"
        type="range"
        min="0"
        max="100"
        value={cut.value}
        aria-label={`${name}: share of the original shown`}
        onInput={(event) => {
          cut.value = event.currentTarget.valueAsNumber;
        }}
      />
    </div>
  );
}
