import type { RunConfig } from '../../../contract/config';
import type { RunEvent } from '../../../contract/events';
import type { HostTensor } from '../../base/dtype';
import { Rng } from '../../base/rng';
import { batchIndices, splitBatch, splitInputs, tokenBatch } from '../../data/batch';
import type { ProblemCodec, TokenProblem } from '../../data/tokens';
import type { Recipe } from '../../recipes/shared/recipe';
import { tokenFeeds } from '../../recipes/shared/token-inputs';
import type { RunPolicy } from './policy';
import type { Machinery } from './prepare';

export interface BatchesOptions {
  readonly machinery: Pick<Machinery, 'trained' | 'losses' | 'layout' | 'curriculum'>;
  readonly recipe: Recipe;
  readonly config: RunConfig;
  readonly codec: ProblemCodec;
  readonly emit: (event: RunEvent) => void;
}

/**
 * The inputs of each step, from 0, batch by batch: samples in a seeded order, or answers drawn from the
 * current student.
 */
export function batchesOf({
  machinery: { trained, losses, layout, curriculum },
  recipe,
  config,
  codec,
  emit,
}: BatchesOptions): (t: number) => Promise<Record<string, HostTensor>[]> {
  const { accumulation } = config.optimiser;
  const { batch: B } = layout;
  const used = Object.values(losses).flatMap((loss) => loss ?? []);
  const rng = new Rng(config.seed).fork('batches');
  const ranges = new Map<string, (t: number) => number[]>();
  /** The samples of a stage: one shuffle of them after another. */
  const samplesAt = (t: number): number[] => {
    const { index } = curriculum.current;
    const [from, to] = recipe.samplesOf?.(config, trained.length, index) ?? [0, trained.length];
    const key = `${from} ${to}`;
    const known = ranges.get(key) ?? batchIndices(rng, to - from, B * accumulation);
    ranges.set(key, known);
    return known(t).map((i) => from + i);
  };
  return async (t) => {
    const samples = samplesAt(t);
    const problems = samples.map((i) => trained[i] as TokenProblem);
    const parts = splitBatch(tokenBatch(problems, codec, layout), accumulation).map((batch, i) => ({
      feeds: tokenFeeds(batch),
      samples: samples.slice(i * B, (i + 1) * B),
      problems: problems.slice(i * B, (i + 1) * B),
    }));
    const { inputs, policy } = curriculum;
    const means = inputs?.means;
    const whole = means && splitInputs(inputs.feeds(problems, { samples, step: t }), accumulation, means);
    if (!inputs?.draw)
      return parts.map(({ feeds, ...part }, i) => {
        const own = whole?.[i] ?? inputs?.feeds(part.problems, { samples: part.samples, step: t });
        return Object.assign(feeds, own, ...used.map((loss) => loss.feeds(part.samples)));
      });
    const drawn = [];
    // Each part draws with noise of its own.
    for (const [i, part] of parts.entries()) {
      const place = { samples: part.samples, step: t * accumulation + i };
      const { feeds, groups } = await inputs.draw(part.problems, place, policy as RunPolicy);
      drawn.push({ feeds: Object.assign(part.feeds, feeds), groups });
    }
    emit({ kind: 'groups', step: t + 1, groups: drawn.flatMap(({ groups }) => groups) });
    return drawn.map(({ feeds }) => feeds);
  };
}
