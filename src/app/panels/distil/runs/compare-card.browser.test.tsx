import { expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { parseRunConfig } from '../../../../contract/config';
import type { SavedRun } from '../../../../contract/saved-run';
import { emptySeries, type RunSeries } from '../../../../contract/series-schema';
import { mounting } from '../../../mount.testing';
import { CompareCard } from './CompareCard';

const mount = mounting();

const run = (
  id: string,
  config: object,
  total: readonly number[],
  over: Partial<RunSeries> = {},
): SavedRun => {
  const step = total.map((_, i) => i + 1);
  const series = {
    ...{ ...emptySeries, step, losses: { total: [...total] }, gradientNorm: total.map(() => 1) },
    ...over,
  };
  return { id, savedAt: 1, result: null, series, config: parseRunConfig(config), name: `run ${id}` };
};

it('compares several runs: only the settings that differ in one table, and their curves in the same charts', async () => {
  const { store, actions } = mount(<CompareCard />);
  const drawn = [{ step: 1, length: 3, rightLength: 2, right: 0.5, formatted: 1, lengthReward: 0 }];
  const saved = [
    run('one', { seed: 3 }, [4, 2], {
      drawn,
      spectra: [{ step: 1, effectiveRank: 2, stableRank: 1, cosine: 1 }],
    }),
    run('two', { seed: 13, optimiser: { steps: 20 } }, [5, 3, 1], { drawn }),
    run('three', { seed: 3 }, [4, 2]),
  ];
  store.setState({ saved });
  await actions.compareRun('one', true);
  await expect.element(page.getByText('Choose a second kept run to compare run one with.')).toBeVisible();
  await actions.compareRun('two', true);
  await expect
    .element(page.getByText('Their configurations differ in 2 settings; all others are equal.'))
    .toBeVisible();
  const table = page.getByRole('table', { name: 'Settings that differ, and results' });
  const rows = () =>
    [...table.element().querySelectorAll('tr')].map((row) =>
      [...row.children].map((cell) => cell.textContent),
    );
  expect(rows().slice(0, 4)).toEqual([
    ['', 'run one', 'run two'],
    ['seed', '3', '13'],
    ['optimiser.steps', String(saved[0]?.config.optimiser.steps), '20'],
    ['steps done', '2', '3'],
  ]);
  const legend = () =>
    [...(document.querySelector('.plot')?.querySelectorAll('.legendtext') ?? [])].map(
      ({ textContent }) => textContent,
    );
  await expect.poll(legend, { timeout: 20_000 }).toEqual(['run one', 'run two']);
  await expect.element(page.getByText('Last values: run one, 2.000; run two, 1.000.')).toBeVisible();
  await expect.element(page.getByRole('figure', { name: 'Reward: right' })).toBeInTheDocument();
  await expect
    .element(
      page.getByText(
        /^Not drawn, because only one of these runs has it: Latents: effective rank \(run one\);/,
      ),
    )
    .toBeVisible();
  await actions.compareRun('three', true);
  await expect
    .element(page.getByText('Last values: run one, 0.5000; run two, 0.5000. Not recorded of run three.'))
    .toBeVisible();
  await actions.compareRun('three', false);
  await actions.compareRun('two', false);
  await actions.compareRun('three', true);
  await expect.element(page.getByText('Their configurations are equal.')).toBeVisible();
});
