import { useRef, useState } from 'react';
import { Button } from '../ui/Button';
import { Segments } from '../ui/Choice';
import { ChartFrame, type ChartProps } from './ChartFrame';
import { type Turn, turnCamera } from './camera';
import { hasWebgl } from './plotly';
import { MAX_POINTS, type Plane, type Points, pointTable, SVG_POINTS, strideOf, totalOf } from './points';
import { partsOf, scatterFigure } from './scatter-figure';

export interface ScatterChartProps extends ChartProps, Points {
  /** Directions drawn: initially, or, with `onPlane`, always; default the first two. */
  readonly plane?: Plane;
  /** Keeps the choice for the caller. */
  readonly onPlane?: (plane: Plane) => void;
}

const planes: readonly { readonly id: Plane; readonly label: string }[] = [
  { id: '1-2', label: '1–2' },
  { id: '1-3', label: '1–3' },
  { id: '2-3', label: '2–3' },
  { id: '3-D', label: '3-D' },
];

/** Points in two or three of three directions, and the trajectories through them. */
export function ScatterChart({
  groups,
  axes,
  colour,
  paths,
  plane: first = '1-2',
  onPlane,
  ...frame
}: ScatterChartProps) {
  const [own, setOwn] = useState<Plane>(first);
  const [chosen, choose] = onPlane ? [first, onPlane] : [own, setOwn];
  const [noWebgl, setNoWebgl] = useState(false);
  const [note, setNote] = useState('');
  const element = useRef<HTMLDivElement | null>(null);
  const points: Points = { groups, axes, colour, paths };
  const total = totalOf(groups);
  const webgl = total > SVG_POINTS && !noWebgl;
  const stride = strideOf(groups);

  const unavailable = (reason: string) => {
    if (chosen === '3-D') {
      setNote(`3-D could not be shown: ${reason}. The first two directions are drawn instead.`);
      choose('1-2');
    }
    setNoWebgl(true);
  };
  const notes = [
    note,
    stride > 1 ? `One point in ${stride} of ${total} is drawn, at most ${MAX_POINTS}; the file has all.` : '',
  ];
  return (
    <ChartFrame
      {...frame}
      parts={partsOf({ plane: chosen, webgl })}
      build={(view) => scatterFigure(points, { ...view, plane: chosen, webgl })}
      of={[groups, paths, chosen, webgl, JSON.stringify([axes, colour])]}
      table={() => pointTable(points)}
      note={notes.filter(Boolean).join(' ')}
      onUnavailable={unavailable}
      onElement={(place) => {
        element.current = place;
      }}
      tools={
        <>
          {chosen === '3-D' && (
            <Camera
              title={frame.title}
              onTurn={(turn) => element.current && void turnCamera(element.current, turn)}
            />
          )}
          <Segments
            label={`Directions of ${frame.title}`}
            hideLabel
            value={chosen}
            options={planes}
            onChange={(next) => {
              setNote('');
              if (next === '3-D') setNoWebgl(!hasWebgl());
              choose(next);
            }}
          />
        </>
      }
    />
  );
}

const turns: readonly { readonly turn: Turn; readonly sign: string; readonly name: string }[] = [
  { turn: 'left', sign: '←', name: 'turn left' },
  { turn: 'right', sign: '→', name: 'turn right' },
  { turn: 'up', sign: '↑', name: 'turn up' },
  { turn: 'down', sign: '↓', name: 'turn down' },
  { turn: 'in', sign: '+', name: 'nearer' },
  { turn: 'out', sign: '−', name: 'farther' },
  { turn: 'reset', sign: 'Reset', name: 'reset the view' },
];

/** Buttons for what dragging with a mouse does. */
function Camera({ title, onTurn }: { readonly title: string; readonly onTurn: (turn: Turn) => void }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for form controls
    <div className="chart-camera" role="group" aria-label={`View of ${title}`}>
      {turns.map(({ turn, sign, name }) => (
        <Button key={turn} look="quiet" aria-label={`${title}: ${name}`} onPress={() => onTurn(turn)}>
          {sign}
        </Button>
      ))}
    </div>
  );
}
