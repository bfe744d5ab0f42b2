import { type Arena, type ArenaRun, accuracyIn, figuresOf } from './arena';
import type { Measure } from './methods/ablations/ablation';
import { type BySeed, type SeedSummary, summariseSeeds } from './seeds';

/** What an ablation's chart and table show: each contender's figures over seeds, against what is varied. */

/** A figure of a run. */
export interface MeasuredPart {
  readonly label: string;
  readonly of: (run: ArenaRun) => number | undefined;
}

export const PARTS: Readonly<Record<Measure, readonly MeasuredPart[]>> = {
  accuracy: [{ label: 'held-out accuracy', of: accuracyIn }],
  cost: [
    { label: 'reading the teacher', of: ({ teacherSeconds }) => teacherSeconds },
    { label: 'training', of: ({ trainSeconds }) => trainSeconds },
  ],
  latency: [{ label: 'an answer', of: ({ answerMilliseconds }) => answerMilliseconds }],
};

/** Of what is measured; shares are written as percentages. */
export const UNITS: Readonly<Record<Measure, string>> = { accuracy: '%', cost: 's', latency: 'ms' };

/** A contender on the axis. */
export interface AxisPoint {
  readonly name: string;
  /** What is varied, or its place from 1. */
  readonly x: number;
  /** A figure over seeds for each of the measure's parts; null without a run. */
  readonly parts: readonly {
    readonly label: string;
    readonly bySeed: BySeed;
    readonly overSeeds: SeedSummary | null;
  }[];
}

/** Which contenders are not shown, in a sentence: the ablation has no value for those that were added to it. Empty without any. */
export function offAxis({
  contenders,
  kept = [],
  axis,
}: Pick<Arena, 'contenders' | 'kept' | 'axis'>): string {
  if (!axis) return '';
  const { places } = axis;
  const without = places ? contenders.filter(({ name }) => places[name] === undefined) : [];
  const names = [...without, ...kept].map(({ name }) => name);
  return names.length === 0
    ? ''
    : `Not shown, since there is no value of “${axis.label}” for them: ${names.join(', ')}.`;
}

/** The contenders that stand on the axis, in its order; none of an arena without one. A failed run has no figures. */
export function axisPoints({ contenders, seeds, axis, runs }: Arena): AxisPoint[] {
  if (!axis) return [];
  const { places, measure } = axis;
  return contenders
    .flatMap(({ name }, i) => {
      const x = places ? places[name] : i + 1;
      if (x === undefined) return [];
      const own = runs.filter(
        (run) => run.name === name && run.failed === undefined && seeds.includes(run.seed),
      );
      const parts = PARTS[measure].map(({ label, of }) => {
        const bySeed = figuresOf(own, of);
        return { label, bySeed, overSeeds: bySeed.size > 0 ? summariseSeeds(bySeed) : null };
      });
      return [{ name, x, parts }];
    })
    .sort((a, b) => a.x - b.x);
}
