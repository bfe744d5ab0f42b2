import { expect, it } from 'vitest';
import { FIGURE_6, type LensReport, type LensRequest } from '../../../contract/lens';
import { sourceOf, summaryLine } from './provenance';

const reportOf = (span: LensRequest['span']): LensReport => ({
  request: { ...FIGURE_6, source: { kind: 'ids', ids: ['a', 'b'] }, span },
  sampleIds: ['a', 'b'],
  selections: [
    {
      ...{
        selection: { subject: { kind: 'teacher' }, sections: ['rationale'] },
        label: 'teacher',
        model: 'tiny',
      },
      ...{ layers: 2, hidden: 8, spectra: [], bands: null, layerRanks: [], tucker: null, trajectory: null },
      collapse: { layers: [], cosine: new Float32Array(), effectiveRank: new Float32Array(), positions: 0 },
    },
  ],
  ...{ controls: [], axes: null, angles: null, kernel: 'svd (CPU)', dtype: 'f64', milliseconds: 1000 },
});

it.each([
  [{ first: 2, last: 4 }, 'tokens 2 to 4'],
  [{ first: 3, last: null }, 'tokens from 3 on'],
  [{ first: 5, last: 5 }, 'token 5'],
])('a report of a span says which, in its header and in what a chart is saved with: %o', (span, words) => {
  expect(summaryLine(reportOf(span))).toContain(`2 samples (${words} of each) of teacher (tiny)`);
  expect(sourceOf(reportOf(span))).toContain(` · layers all · ${words} of each sample · `);
});

it('says nothing of a span where there is none', () => {
  expect(`${summaryLine(reportOf(null))} ${sourceOf(reportOf(undefined))}`).not.toContain('token');
});
