import { type Ref, useId } from 'react';
import { Scroller } from '../../../ui/Scroller';
import { BOX, type PathDrawing as Drawing, type DrawnBox, type DrawnPath, MARK } from './layout';

/** The sequences of a training step, one below the other, with the number of each loss term where it sits. */
export function PathDrawing({
  drawing: { width, height, paths, marks, links },
  label,
  pointed,
  svg,
}: {
  readonly drawing: Drawing;
  readonly label: string;
  /** The term whose marks stand out. */
  readonly pointed: string | null;
  /** Receives the element that is drawn in. */
  readonly svg: Ref<SVGSVGElement>;
}) {
  const arrow = useId();
  const of = (term: string, isIdle: boolean) =>
    `${isIdle ? ' idle' : ''}${term === pointed ? ' pointed' : ''}`;
  return (
    <Scroller label={label} className="path-scroller">
      <svg
        ref={svg}
        width={width}
        height={height}
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={label}
      >
        <defs>
          <marker
            id={arrow}
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="7"
            markerHeight="7"
            orient="auto"
          >
            <path className="path-head" d="M0 0L8 4L0 8z" />
          </marker>
        </defs>
        {links.map(({ term, x, from, to, stops, isIdle }) => (
          <g key={`${term} ${x}`} className={`path-link${of(term, isIdle)}`}>
            <line x1={x} y1={from} x2={x} y2={to - 4} />
            {/* No gradient goes on from here. */}
            {stops && <line x1={x - 6} y1={to - 4} x2={x + 6} y2={to - 4} className="path-stop" />}
          </g>
        ))}
        {paths.map((path) => (
          <Path key={path.id} path={path} arrow={`url(#${arrow})`} />
        ))}
        {marks.map(({ number, term, x, y, isIdle }) => (
          <g key={`${term} ${x} ${y}`} className={`path-mark${of(term, isIdle)}`}>
            <circle cx={x} cy={y} r={MARK} />
            <text x={x} y={y} dy="0.35em" textAnchor="middle">
              {number}
            </text>
          </g>
        ))}
      </svg>
    </Scroller>
  );
}

function Path({
  path: { label, by, y, boxes, isIdle },
  arrow,
}: {
  readonly path: DrawnPath;
  readonly arrow: string;
}) {
  return (
    <g className={isIdle ? 'path idle' : 'path'}>
      <text x={boxes[0]?.x} y={y} className="path-title">
        {label}
        <tspan className="path-by" dx="8">
          {by}
          {isIdle && ' · not run'}
        </tspan>
      </text>
      {boxes.map((box, i) => {
        const next = boxes[i + 1];
        return (
          <g key={`${box.x}`}>
            <Box box={box} />
            {next && (
              <line
                className="path-flow"
                x1={box.x + box.width}
                x2={next.x}
                y1={box.y + BOX / 2}
                y2={box.y + BOX / 2}
                markerEnd={arrow}
              />
            )}
          </g>
        );
      })}
    </g>
  );
}

function Box({ box: { x, y, width, label, made, kind } }: { readonly box: DrawnBox }) {
  const middle = x + width / 2;
  return (
    <>
      <rect
        className={`path-box ${kind}`}
        x={x}
        y={y}
        width={width}
        height={BOX}
        rx={kind === 'latents' ? BOX / 2 : 4}
      />
      <text x={middle} y={y + (made ? 13 : BOX / 2)} dy="0.35em" textAnchor="middle" className="path-label">
        {label}
      </text>
      {made && (
        <text x={middle} y={y + 32} textAnchor="middle" className="path-made">
          {made}
        </text>
      )}
    </>
  );
}
