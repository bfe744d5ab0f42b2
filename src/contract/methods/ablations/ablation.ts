/**
 * An ablation of a paper, as data: presets with one thing varied, run as an arena and drawn against what is varied. It belongs to the
 * method whose paper it is of.
 */
export interface AblationData {
  readonly id: string;
  readonly name: string;
  /** What the paper finds, and what is different here. */
  readonly about: string;
  readonly source: string;
  /** What is varied: the label of the chart's x axis. */
  readonly varied: string;
  /** Whether the values of `x` are spaced by their ratios. */
  readonly log?: boolean;
  readonly measure: Measure;
  /** Name of the point that the others are compared with. */
  readonly baseline: string;
  readonly points: readonly AblationPoint[];
}

export interface AblationPoint {
  readonly name: string;
  /** Id of the preset, of any method, that `changes` are made to. */
  readonly preset: string;
  readonly changes?: object;
  /** What is varied, where it is a number. */
  readonly x?: number;
}

/** What is drawn of each run: held-out accuracy; seconds of reading the teacher and of training; milliseconds of an answer. */
export const MEASURES = ['accuracy', 'cost', 'latency'] as const;
export type Measure = (typeof MEASURES)[number];

/** Points for values of one setting. */
export const varying = (
  values: readonly number[],
  preset: string,
  symbol: string,
  changes: (value: number) => object,
): AblationPoint[] => values.map((x) => ({ name: `${symbol} = ${x}`, preset, changes: changes(x), x }));
