import { expect, it } from 'vitest';
import { parseRunConfig } from '../../../contract/config';
import type { RunEvent } from '../../../contract/events';
import { layoutOf } from '../../data/batch';
import type { ProblemCodec, TokenProblem } from '../../data/tokens';
import type { Recipe } from '../../recipes/shared/recipe';
import { type BatchesOptions, batchesOf } from './batches';

const problems: TokenProblem[] = [3, 4, 5, 6].map((id) => ({
  ...{ question: [id, id], rationale: [id], steps: [[id]], answer: [id, 1] },
}));
const codec = { prompt: [2], padId: 0, endId: 1 } as unknown as ProblemCodec;

it('of answers that are drawn, each part of a step has a place of its own, which its noise depends on', async () => {
  const config = parseRunConfig({ method: 'grpo', optimiser: { batch: 2, accumulation: 2 } });
  const places: { readonly step: number; readonly samples: readonly number[] }[] = [];
  const emitted: RunEvent[] = [];
  const inputs = {
    draw: async (_: unknown, place: (typeof places)[number]) => {
      places.push(place);
      return { feeds: {}, groups: [`drawn at ${place.step}`] };
    },
  };
  const next = batchesOf({
    machinery: {
      ...{ trained: problems, losses: {}, layout: layoutOf(problems, codec, 2) },
      curriculum: { current: { index: 0 }, inputs, policy: {} },
    } as unknown as BatchesOptions['machinery'],
    ...{ recipe: {} as Recipe, config, codec, emit: (event: RunEvent) => emitted.push(event) },
  });
  for (const t of [0, 1, 2]) await next(t);
  expect(places.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5]);
  // Both parts of a step together are its batch: here all samples, each once.
  expect([...(places[0]?.samples ?? []), ...(places[1]?.samples ?? [])].sort()).toEqual([0, 1, 2, 3]);
  expect(emitted.at(-1)).toMatchObject({ kind: 'groups', step: 3, groups: ['drawn at 4', 'drawn at 5'] });
});
