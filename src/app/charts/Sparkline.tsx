import { significant } from '../ui/format';
import type { Mark } from './marks';
import { placesToDraw } from './series';

const [WIDTH, HEIGHT, PAD] = [132, 34, 3];
/** Points drawn at most: two a pixel. */
const POINTS = 2 * WIDTH;

/** A small curve beside what it is of, its ends in words; the whole of it, with axes, is a chart elsewhere. */
export function Sparkline({
  name,
  x,
  y,
  marks = [],
}: {
  readonly name: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly marks?: readonly Mark[] | undefined;
}) {
  const finite = y.filter(Number.isFinite);
  const [first, last] = [finite[0], finite.at(-1)];
  if (first === undefined || last === undefined) return null;
  const low = finite.reduce((a, b) => Math.min(a, b));
  const high = finite.reduce((a, b) => Math.max(a, b));
  const [from, to] = [x[0] as number, x.at(-1) as number];
  const place = (value: number) => PAD + ((WIDTH - 2 * PAD) * (value - from)) / Math.max(1, to - from);
  const height = (value: number) => HEIGHT - PAD - ((HEIGHT - 2 * PAD) * (value - low)) / (high - low || 1);
  const points = placesToDraw(y, POINTS).flatMap((i) =>
    Number.isFinite(y[i]) ? [`${place(x[i] as number).toFixed(1)},${height(y[i] as number).toFixed(1)}`] : [],
  );
  return (
    <span className="sparkline">
      <svg
        width={WIDTH}
        height={HEIGHT}
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={`${name}: from ${significant(first)} at step ${from} to ${significant(last)} at step ${to}`}
      >
        {marks.map(({ x: at }) => (
          <line key={at} className="sparkline-mark" x1={place(at)} x2={place(at)} y1={0} y2={HEIGHT} />
        ))}
        <polyline points={points.join(' ')} />
      </svg>
      <span className="sparkline-ends" aria-hidden="true">
        {significant(first)} → {significant(last)}
      </span>
    </span>
  );
}
