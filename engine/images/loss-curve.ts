/**
 * The loss curve as an image: each step's loss with its moving average on the left axis, and the validation
 * loss on the right axis. The validation loss is a plain mean squared error, so the two have different
 * scales.
 */
import { axisRange, movingAverage, niceTicks, type Range } from "./chart-scale.ts";
import { renderSvg } from "./render-svg.ts";
import { drawText, textWidth } from "./text-outlines.ts";

export interface LossPoint {
  readonly step: number;
  /** Loss of the step's batch; absent at step 0. */
  readonly loss?: number | undefined;
  readonly validation?: number | undefined;
}

interface LossCurveOptions {
  readonly title?: string;
  /** In pixels, default 960 × 540. */
  readonly width?: number;
  readonly height?: number;
}

interface Point {
  readonly step: number;
  readonly value: number;
}

const [ink, gray, blue, orange, paper] = ["#1d1d1f", "#6e6e73", "#3b6fd4", "#e2711d", "#fbfbfa"];
const label = { size: 13, fill: gray } as const;

/** The plot area, and the mapping of steps and values to it. */
class Plot {
  readonly left = 84;
  readonly top = 84;
  readonly right: number;
  readonly bottom: number;
  readonly #steps: Range;

  constructor(width: number, height: number, steps: Range, hasRightAxis: boolean) {
    this.right = width - (hasRightAxis ? 84 : 36);
    this.bottom = height - 68;
    this.#steps = steps;
  }

  x(step: number): number {
    const [first, last] = this.#steps;
    return this.left + ((step - first) / (last - first)) * (this.right - this.left);
  }

  y(value: number, [low, high]: Range): number {
    return this.bottom - ((Math.min(value, high) - low) / (high - low)) * (this.bottom - this.top);
  }

  line(points: readonly Point[], range: Range, style: string): string {
    const path = points.map(
      ({ step, value }) => `${this.x(step).toFixed(1)},${this.y(value, range).toFixed(1)}`,
    );
    return `<polyline fill="none" stroke-linejoin="round" ${style} points="${path.join(" ")}"/>`;
  }

  dots(points: readonly Point[], range: Range, radius: number, style: string): string {
    const circles = points.map(
      ({ step, value }) =>
        `<circle cx="${this.x(step).toFixed(1)}" cy="${this.y(value, range).toFixed(1)}" r="${radius}"/>`,
    );
    return `<g ${style}>${circles.join("")}</g>`;
  }

  /** The horizontal axis with the steps below it. */
  stepAxis(): string {
    const middle = (this.left + this.right) / 2;
    return [
      `<path d="M${this.left} ${this.bottom}H${this.right}" stroke="${gray}"/>`,
      ...niceTicks(this.#steps, 8)
        .filter(Number.isInteger)
        .map((tick) =>
          drawText(`${tick}`, { ...label, x: this.x(tick), y: this.bottom + 24, anchor: "middle" }),
        ),
      drawText("step", { ...label, x: middle, y: this.bottom + 50, anchor: "middle" }),
    ].join("");
  }

  leftAxis(range: Range, name: string): string {
    const ticks = niceTicks(range, 5).map((tick) => {
      const y = this.y(tick, range);
      const grid = `<path d="M${this.left} ${y.toFixed(1)}H${this.right}" stroke="#000" stroke-opacity=".08"/>`;
      return grid + drawText(`${tick}`, { ...label, x: this.left - 12, y: y + 5, anchor: "end" });
    });
    const y = (this.top + this.bottom) / 2;
    return ticks.join("") + drawText(name, { ...label, x: 28, y, anchor: "middle", rotate: -90 });
  }

  rightAxis(range: Range, name: string): string {
    const style = { ...label, fill: orange! };
    const ticks = niceTicks(range, 5).map((tick) =>
      drawText(`${tick}`, { ...style, x: this.right + 12, y: this.y(tick, range) + 5 }),
    );
    const [x, y] = [this.right + 64, (this.top + this.bottom) / 2];
    return ticks.join("") + drawText(name, { ...style, x, y, anchor: "middle", rotate: 90 });
  }
}

/** Legend entries with their marks, right-aligned at `right`. */
function legend(entries: readonly { name: string; mark: (x: number) => string }[], right: number): string {
  let x = right;
  const drawn: string[] = [];
  for (const { name, mark } of entries.toReversed()) {
    x -= textWidth(name, label.size);
    drawn.push(drawText(name, { ...label, x, y: 48 }), mark(x - 14));
    x -= 46;
  }
  return drawn.join("");
}

const finite = (points: readonly LossPoint[], key: "loss" | "validation"): Point[] =>
  points.flatMap(({ step, [key]: value }) => (Number.isFinite(value) ? [{ step, value: value! }] : []));

function drawCurves(
  losses: readonly Point[],
  validations: readonly Point[],
  width: number,
  height: number,
): string {
  const hasValidation = validations.length > 0;
  const steps = [...losses, ...validations].map(({ step }) => step);
  const plot = new Plot(width, height, [Math.min(0, ...steps), Math.max(1, ...steps)], hasValidation);
  const smooth = movingAverage(
    losses.map(({ value }) => value),
    Math.max(1, Math.round(losses.length / 20)),
  );
  const left = axisRange(
    losses.map(({ value }) => value),
    smooth,
  );
  const averages = losses.map(({ step }, index) => ({ step, value: smooth[index]! }));
  const parts = [
    plot.leftAxis(left, "loss of a step"),
    plot.stepAxis(),
    plot.dots(losses, left, 2.2, `fill="${blue}" fill-opacity=".3"`),
    plot.line(averages, left, `stroke="${blue}" stroke-width="2.5"`),
  ];
  const entries = [
    {
      name: "one step",
      mark: (x: number) => `<circle cx="${x}" cy="43" r="3" fill="${blue}" fill-opacity=".45"/>`,
    },
    {
      name: "moving average",
      mark: (x: number) => `<path d="M${x - 16} 43h22" stroke="${blue}" stroke-width="2.5"/>`,
    },
  ];
  if (hasValidation) {
    const values = validations.map(({ value }) => value);
    const right = axisRange(values, values);
    parts.push(
      plot.rightAxis(right, "validation"),
      plot.line(validations, right, `stroke="${orange}" stroke-width="1.5" stroke-dasharray="5 4"`),
      plot.dots(validations, right, 5, `fill="${orange}" stroke="${paper}" stroke-width="1.5"`),
    );
    entries.push({ name: "validation", mark: (x) => `<circle cx="${x}" cy="43" r="5" fill="${orange}"/>` });
  }
  return parts.join("") + legend(entries, plot.right);
}

/** The curve as an SVG document, with text as outlines. Non-finite values are omitted. */
export function lossCurveSvg(points: readonly LossPoint[], options: LossCurveOptions = {}): string {
  const { title = "Loss while learning", width = 960, height = 540 } = options;
  const losses = finite(points, "loss");
  const curves =
    losses.length > 0
      ? drawCurves(losses, finite(points, "validation"), width, height)
      : drawText("no steps yet", { ...label, x: width / 2, y: height / 2, anchor: "middle" });
  const heading = drawText(title, { x: 84, y: 48, size: 22, weight: "semibold", fill: ink! });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"><rect width="${width}" height="${height}" fill="${paper}"/>${heading}${curves}</svg>`;
}

/** The same as PNG. */
export function lossCurvePng(points: readonly LossPoint[], options: LossCurveOptions = {}): Promise<Buffer> {
  return renderSvg(lossCurveSvg(points, options));
}
