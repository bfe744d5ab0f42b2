import { expect, it } from 'vitest';
import { parseRunConfig } from '../../contract/config';
import type { SavedRun } from '../../contract/saved-run';
import { emptySeries } from '../../contract/series-schema';
import { seedGroups } from './seed-groups';

let saves = 0;
function run(config: object, share: number | null, status: 'done' | 'stopped' = 'done'): SavedRun {
  const parsed = parseRunConfig(config);
  const accuracy = share === null ? null : { correct: 200 * share, total: 200, share, low: 0, high: 1 };
  return {
    id: `run ${++saves}`,
    savedAt: saves,
    config: parsed,
    result: {
      config: parsed,
      status,
      steps: 150,
      heldOut: accuracy,
      teacher: accuracy,
      seconds: { teacher: 1, compile: 1, train: 1, evaluate: 1 },
      programs: 1,
      trainable: 1,
      provider: 'wasm',
      models: { base: 'b' },
    },
    series: emptySeries,
  } as SavedRun;
}

it('groups finished runs that differ only in the seed', () => {
  const groups = seedGroups([
    run({ seed: 2 }, 0.8),
    run({ seed: 1 }, 0.6),
    run({ seed: 3, observation: { every: 0 } }, 0.7),
    run({ seed: 4 }, 0.1, 'stopped'),
    run({ seed: 5 }, null),
    run({ seed: 1, method: 'ce' }, 0.2),
    { ...run({ seed: 6 }, 0.9), result: null },
  ]);
  expect(groups).toHaveLength(1);
  expect(groups[0]).toMatchObject({
    label: 'LoRi, statistics over results',
    problems: 200,
    accuracy: [
      [1, 0.6],
      [2, 0.8],
      [3, 0.7],
    ],
    overSeeds: { n: 3, median: 0.7, min: 0.6, max: 0.8 },
  });
});

it('takes the latest of two runs with the same seed; a single seed is not a group', () => {
  expect(seedGroups([run({ seed: 1 }, 0.5), run({ seed: 1 }, 0.4)])).toEqual([]);
  const early = run({ seed: 1 }, 0.5);
  const late = run({ seed: 1 }, 0.4);
  const [group] = seedGroups([late, run({ seed: 2 }, 0.3), early]);
  expect(group!.accuracy).toEqual([
    [1, 0.4],
    [2, 0.3],
  ]);
});

it('names the settings in which two groups of a method differ, and separates other weights', () => {
  const slow = { optimiser: { learningRate: 1e-4 } };
  const labels = seedGroups([
    run({ seed: 1 }, 0.5),
    run({ seed: 2 }, 0.6),
    run({ seed: 1, ...slow }, 0.2),
    run({ seed: 2, ...slow }, 0.3),
  ]).map(({ label }) => label);
  expect(labels).toEqual([
    'LoRi, statistics over results, optimiser.learningRate 0.0015',
    'LoRi, statistics over results, optimiser.learningRate 0.0001',
  ]);
  const other = run({ seed: 2 }, 0.5);
  const elsewhere = { ...other, result: { ...other.result!, models: { base: 'c' } } };
  expect(seedGroups([run({ seed: 1 }, 0.5), elsewhere])).toEqual([]);
});
