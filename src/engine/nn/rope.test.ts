import { expect, it } from 'vitest';
import { ropeFrequencies, ropeTablesAt } from './rope';

const LLAMA32 = {
  headDim: 64,
  ropeTheta: 500000,
  ropeScaling: {
    type: 'llama3',
    factor: 32,
    lowFreqFactor: 1,
    highFreqFactor: 4,
    originalMaxPositions: 8192,
  },
} as const;

it('the scaling of Llama 3.2 is that of its definition, in all three bands', () => {
  const { ropeScaling: s, ...plain } = LLAMA32;
  const bands = new Set<string>();
  // Written as in the reference code, by wavelengths.
  const expected = Array.from(ropeFrequencies(plain), (frequency) => {
    const wavelength = (2 * Math.PI) / frequency;
    if (wavelength < s.originalMaxPositions / s.highFreqFactor) {
      bands.add('short');
      return frequency;
    }
    if (wavelength > s.originalMaxPositions / s.lowFreqFactor) {
      bands.add('long');
      return frequency / s.factor;
    }
    bands.add('between');
    const smooth =
      (s.originalMaxPositions / wavelength - s.lowFreqFactor) / (s.highFreqFactor - s.lowFreqFactor);
    return ((1 - smooth) * frequency) / s.factor + smooth * frequency;
  });
  expect(bands.size).toBe(3);
  ropeFrequencies(LLAMA32).forEach((frequency, i) => {
    expect(frequency / (expected[i] as number)).toBeCloseTo(1, 12);
  });
});

it('tables are cosines and sines of position times frequency', () => {
  const { cos, sin } = ropeTablesAt(LLAMA32, [0, 7]);
  const frequencies = ropeFrequencies(LLAMA32);
  expect([cos[5], sin[5]]).toEqual([1, 0]);
  expect(cos[32 + 5]).toBeCloseTo(Math.cos(7 * (frequencies[5] as number)), 7);
  expect(sin[32 + 31]).toBeCloseTo(Math.sin(7 * (frequencies[31] as number)), 7);
});
