import { expect, it } from 'vitest';
import { madeLensReport } from '../lens.testing';
import { cumulativeSentence } from '../panels/lowrank/sentences';
import { initialDraft, requestOf } from '../store/lens-draft';
import type { AppState } from '../store/state';
import { outcome } from './outcome';

it('the tour’s median rank is the one that the Low-rank place states for the same report', () => {
  const report = madeLensReport(requestOf(initialDraft(4), { layers: 4, problems: 100 } as never));
  const ranks = [9, 4, 30, 5].map((rank) => [1, 2, rank, 40] as const);
  const [selection] = report.selections;
  const own = {
    ...report,
    controls: [],
    selections: [
      {
        ...selection!,
        spectra: ranks.map((energyRanks, i) => ({ ...selection!.spectra[0]!, energyRanks, rows: 48 + i })),
      },
    ],
  } as typeof report;
  const said = outcome('spectra', { lens: { report: { value: own } } } as unknown as AppState);
  const numbers = /rank ([\d.]+) of ([\d.]+) holds 95 %.*\(median of 4\)/.exec(said);
  expect(numbers?.[1]).toBe('7');
  expect(cumulativeSentence(own)).toContain(
    `${numbers?.[1]} of ${numbers?.[2]} directions hold 95 % of the energy`,
  );
});
