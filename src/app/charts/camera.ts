import { loadPlotly } from './plotly';
import { firstEye, LOOKED_AT } from './scatter-figure';

/** Position of a 3-D chart's eye relative to the middle of the cube. */
export interface Eye {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

export type Turn = 'left' | 'right' | 'up' | 'down' | 'in' | 'out' | 'reset';

const STEP = Math.PI / 12;
/** Not quite over the pole, where left and right would be meaningless. */
const HIGHEST = Math.PI / 2 - 0.05;

/** The eye after one step. */
export function turned({ x, y, z }: Eye, turn: Exclude<Turn, 'reset'>): Eye {
  let distance = Math.hypot(x, y, z);
  let around = Math.atan2(y, x);
  let height = Math.asin(z / distance);
  if (turn === 'left') around -= STEP;
  if (turn === 'right') around += STEP;
  if (turn === 'up') height = Math.min(HIGHEST, height + STEP);
  if (turn === 'down') height = Math.max(-HIGHEST, height - STEP);
  if (turn === 'in') distance = Math.max(0.4, distance / 1.25);
  if (turn === 'out') distance = Math.min(6, distance * 1.25);
  const flat = distance * Math.cos(height);
  return { x: flat * Math.cos(around), y: flat * Math.sin(around), z: distance * Math.sin(height) };
}

/** Turns the 3-D chart that is drawn in `element`. */
export async function turnCamera(element: HTMLDivElement, turn: Turn): Promise<void> {
  const plotly = await loadPlotly();
  const { layout } = element as HTMLDivElement & {
    layout?: { scene?: { camera?: { eye?: Partial<Eye> } } };
  };
  const first = firstEye(element.clientWidth);
  const eye = turn === 'reset' ? first : turned({ ...first, ...layout?.scene?.camera?.eye }, turn);
  await plotly.relayout(element, {
    'scene.camera': { eye, center: LOOKED_AT, up: { x: 0, y: 0, z: 1 } },
  } as never);
}
