import { describe, expect, it } from 'vitest';
import type {
  AngleReport,
  CollapseReport,
  Control,
  LensReport,
  SelectionReport,
  Spectrum,
} from '../../../contract/lens';
import {
  anglesSentence,
  collapseSentence,
  controlSentence,
  coreSentence,
  cumulativeSentence,
  decaySentence,
  errorSentence,
  layerSentence,
  lengthSentence,
} from './sentences';
import { correlation, keptEnergy, medianCurve, rankOf, smallestCore } from './statistics';

const spectrum = (rank95: number, tokens = 10): Spectrum => ({
  label: `train-${rank95}`,
  about: '',
  tokens,
  rows: 40,
  sigma: Float32Array.of(8, 4, 0.05, 0.01),
  cumulative: Float32Array.of(0.6, 0.9, 0.95, 1),
  effectiveRank: 2,
  stableRank: 1.25,
  energyRanks: [1, 1, rank95, 4],
});

const selection = (ranks: readonly number[], more: Partial<SelectionReport> = {}): SelectionReport => ({
  selection: { subject: { kind: 'teacher' }, sections: ['rationale'] },
  label: 'teacher',
  model: 't',
  layers: 4,
  hidden: 64,
  spectra: ranks.map((rank, i) => spectrum(rank, 10 + i)),
  bands: null,
  layerRanks: [],
  tucker: null,
  collapse: { layers: [], cosine: new Float32Array(), effectiveRank: new Float32Array(), positions: 0 },
  trajectory: null,
  ...more,
});

const report = (controls: readonly (readonly [Control, number])[]) =>
  ({
    request: { stack: 'sample' },
    selections: [selection([2, 2, 3])],
    controls: controls.map(([control, rank]) => ({ control, spectra: [spectrum(rank)] })),
  }) as unknown as LensReport;

describe('the sentence of figure 6', () => {
  it('gives rank, share and number of matrices', () => {
    expect(cumulativeSentence(report([]))).toBe(
      'Teacher: 2 of 4 directions hold 95 % of the energy (median of 3 samples), and their singular values sum to 90 % of the total.',
    );
  });

  it('warns about unequal numbers of rows', () => {
    const teacher = selection([2]);
    const [own] = teacher.spectra as [Spectrum];
    const student = selection([2], { label: 'student', spectra: [{ ...own, rows: 3 }] });
    const both = { ...report([]), selections: [teacher, student] };
    expect(cumulativeSentence(both)).toContain(
      'The matrices differ in size, with 4 and 3 possible directions, so the counts are not directly comparable.',
    );
    expect(controlSentence({ ...report([['gaussian', 30]]), selections: both.selections })).toBe(
      'The controls refer to teacher. More are needed for Gaussian data (30).',
    );
    expect(cumulativeSentence({ ...both, selections: [teacher, teacher] })).not.toContain('differ in size');
  });

  it('says which controls need more directions, and which look the same', () => {
    expect(
      controlSentence(
        report([
          ['gaussian', 30],
          ['shuffled', 2],
          ['other-prompt', 1],
        ]),
      ),
    ).toBe(
      'More are needed for Gaussian data (30). Fewer are needed for another prompt (1). About as many are needed for shuffled states (2): independent features would do the same.',
    );
  });

  it('says that nothing is left of a single row without its mean', () => {
    const none = { ...spectrum(0), rows: 1, sigma: Float32Array.of(0), cumulative: Float32Array.of(0) };
    const own = selection([0], { spectra: [none] });
    const centred = { ...report([['shuffled', 0]]), selections: [own] };
    const words =
      'Teacher: all singular values are 0, as of a single row, or of equal rows, without their mean.';
    expect(cumulativeSentence(centred)).toBe(words);
    expect(decaySentence([own])).toBe(words);
    // One matrix of several that has nothing left does not make the others zero.
    const mixed = selection([2], { spectra: [none, spectrum(2), spectrum(2)] });
    expect(decaySentence([mixed])).toContain('from rank 3 on');
  });

  it('says where the decay is', () => {
    expect(decaySentence([selection([2])])).toBe(
      'Teacher: from rank 3 on, singular values are below 1 % of the largest.',
    );
  });
});

it('rank along layers rises, falls or hardly changes', () => {
  const along = (...ranks: number[]) =>
    layerSentence([
      selection([2], {
        layerRanks: ranks.map((rank, i) => ({
          layer: i + 1,
          rows: 100,
          effectiveRank: 1,
          stableRank: 1,
          energyRanks: [1, 1, rank, rank],
        })),
      }),
    ]);
  expect(along(3, 9)).toMatch(/rises from 3 at layer 1 to 9 at layer 2, of 64 possible/);
  expect(along(9, 3)).toMatch(/falls from 9/);
  expect(along(20, 20)).toMatch(/hardly changes/);
  expect(along(20)).toMatch(/^Teacher: the rank for 95 % of the energy is 20 at layer 1, of/);
});

it('length: a correlation, or too little to say', () => {
  expect(lengthSentence([selection([1, 2, 3, 4])])).toMatch(
    /grows with length \(correlation 1\.00, 4 samples\)/,
  );
  expect(lengthSentence([selection([4, 3, 2])])).toMatch(/falls with length/);
  expect(lengthSentence([selection([2, 2, 2])])).toMatch(/too few/);
});

const tucker = {
  layers: [1, 2],
  columns: 3,
  layerSigma: Float32Array.of(3, 0.1),
  hiddenSigma: Float32Array.of(3, 1, 0.1),
  energy: Float32Array.of(0.8, 0.1, 0.02, 0.06, 0.01, 0.01),
  error: Float32Array.of(0.45, 0.32, 0.28, 0.37, 0.17, 0),
};

it('the core: what the first entry holds, and the smallest with 95 %', () => {
  expect(coreSentence(tucker)).toBe(
    'The first entry alone holds 80 %. The smallest core with 95 % of the energy is 2 × 2.',
  );
  expect(errorSentence(tucker, { layerRank: 2, hiddenRank: 2 })).toMatch(
    /the ranks of the Distil form, .* 17\.0 %/,
  );
  expect(errorSentence(tucker, { layerRank: 4, hiddenRank: 32 })).toMatch(/r_L = 2 and r_H = 3, as far as/);
});

it('angles: nearer than chance, or nothing shared', () => {
  const angles = (own: number[], chance: number[]): AngleReport => ({
    rank: 1,
    layers: [1, 2],
    angles: Float32Array.from(own),
    chance: Float32Array.from(chance),
  });
  expect(anglesSentence(angles([0.3, 1.4], [1.4, 1.4]))).toMatch(
    /nearest at layer 1: 17° on average, where chance gives 80°\. They are closer than chance at 1 of 2/,
  );
  expect(anglesSentence(angles([1.4, 1.4], [1.4, 1.4]))).toMatch(/no shared directions were found/);
  expect(anglesSentence(angles([Number.NaN, 0.3], [1.4, 1.4]))).toMatch(/nearest at layer 2: 17°/);
  expect(anglesSentence(angles([Number.NaN, Number.NaN], [1.4, 1.4]))).toMatch(/span no directions/);
});

it('collapse is called collapse', () => {
  const collapse = (cosine: number): CollapseReport => ({
    layers: [1, 2],
    cosine: Float32Array.of(0, cosine),
    effectiveRank: Float32Array.of(3, 1.2),
    positions: 4,
  });
  expect(collapseSentence('student', collapse(0.99))).toMatch(/nearly collapsed into one.*1\.2 of at most 4/);
  expect(collapseSentence('student', collapse(0.1))).toMatch(/well separated/);
  expect(collapseSentence('student', collapse(Number.NaN))).toMatch(/nothing to compare/);
});

it('statistics', () => {
  expect(medianCurve([[1, 2], [3, 4, 5], [2]])).toEqual([2, 3, 5]);
  expect(rankOf([3, 1, 0.1], 0.95)).toBe(2);
  expect(rankOf([3, 1, 0.1], 0)).toBe(0);
  expect(correlation([1, 2, 3], [1, 1, 1])).toBeNaN();
  expect(Array.from(keptEnergy([1, 2, 3, 4, 5, 6], 3))).toEqual([1, 3, 6, 5, 12, 21]);
  expect(smallestCore([0.5, 0.6, 0.7, 0.8], 2, 0.9)).toBeNull();
  expect(smallestCore([0.5, 0.95, 0.95, 1], 2, 0.9)).toEqual({ layerRank: 1, hiddenRank: 2 });
});
