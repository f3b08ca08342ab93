import type { LossPoint } from "../state/learn.ts";
import { lossPoints, polyline, smooth } from "../text/loss-path.ts";

const [width, height] = [320, 120];

interface LossCurveProps {
  readonly losses: readonly LossPoint[];
  /** Total steps; the curve shows those completed. */
  readonly steps: number;
}

/** The loss by step: a dot per reported step, and the moving average. */
export function LossCurve({ losses, steps }: LossCurveProps) {
  const last = losses.at(-1);
  if (!last) return undefined;
  const points = lossPoints(losses, steps, width, height);
  return (
    <figure class="loss">
      <svg
        viewBox={`-4 -6 ${width + 8} ${height + 10}`}
        role="img"
        aria-label={`Loss by step: ${last.loss.toPrecision(3)} at step ${last.step}`}
      >
        <path class="loss-axis" d={`M0 ${height}H${width}`} />
        {points.map(({ x, y }) => (
          <circle key={x} class="loss-dot" cx={x} cy={y} r="1.8" />
        ))}
        <polyline class="loss-line" points={polyline(smooth(points, 6))} />
      </svg>
      <figcaption>
        Loss <output>{last.loss.toPrecision(2)}</output>
      </figcaption>
    </figure>
  );
}
