import type { FormEntries } from './form-link';
import { entriesFor } from './form-link';

/** What the trajectories are coloured by. */
export const POINT_COLOURINGS = ['step', 'layer', 'token', 'section'] as const;
export type PointColouring = (typeof POINT_COLOURINGS)[number];

/** Which of the three directions are drawn. */
const PLANES = ['1-2', '1-3', '2-3', '3-D'] as const;

export const ALL = 'all';
export const LAST = 'last';

/** How trajectories are shown. */
export interface TrajectoriesDraft {
  /** A layer's number, `all`, or `last`: the highest of the report. */
  readonly layer: string;
  /** A sample's id, or `all`. */
  readonly sample: string;
  readonly colouring: PointColouring;
  readonly plane: (typeof PLANES)[number];
  /** Whether a sample's positions are joined; `auto` where there are few samples. */
  readonly paths: 'auto' | 'on' | 'off';
}

export const initialTrajectories: TrajectoriesDraft = {
  ...{ layer: LAST, sample: ALL, colouring: 'step', plane: '1-2', paths: 'auto' },
};

/** Number of samples beyond which lines hide more than they show. */
const MAX_JOINED = 4;

const of = entriesFor<TrajectoriesDraft>();

export const trajectoriesEntries: FormEntries<TrajectoriesDraft> = {
  'points-layer': {
    may: `a layer’s number, ${ALL} or ${LAST}`,
    read: (layer) => (/^(all|last|[1-9]\d{0,3})$/.test(layer) ? { layer } : null),
    write: ({ layer }) => layer,
  },
  'points-sample': {
    may: `the id of a sample, or ${ALL}`,
    read: (sample) => (/^.{1,200}$/.test(sample) ? { sample } : null),
    write: ({ sample }) => sample,
  },
  'points-colour': of.oneOf('colouring', POINT_COLOURINGS),
  'points-plane': of.oneOf('plane', PLANES),
  'points-joined': of.oneOf('paths', ['auto', 'on', 'off']),
};

/** What is shown of a report. */
export interface ShownPoints {
  /** `null` for all. */
  readonly layer: number | null;
  /** An index, or -1 for all. */
  readonly sample: number;
  readonly paths: boolean;
  /** What the settings name and the report lacks, a sentence each. */
  readonly missing: readonly string[];
}

/** @param layers of the report, ascending */
export function shownPoints(
  { layer, sample, paths }: Pick<TrajectoriesDraft, 'layer' | 'sample' | 'paths'>,
  layers: readonly number[],
  ids: readonly string[],
): ShownPoints {
  const wanted = layer === LAST ? layers.at(-1) : Number(layer);
  const found = layers.find((one) => one === wanted) ?? null;
  const index = ids.indexOf(sample);
  const missing = [
    ...(layer !== ALL && found === null
      ? [`Layer ${layer} is not in the report: all layers are shown.`]
      : []),
    ...(sample !== ALL && index < 0 ? [`${sample} is not among its samples: all samples are shown.`] : []),
  ];
  return {
    ...{ layer: found, sample: index, missing },
    paths: paths === 'auto' ? ids.length <= MAX_JOINED : paths === 'on',
  };
}
