import { describe, expect, it } from 'vitest';
import type { ModelReport } from '../../contract/events';
import { rowsEstimate } from './rows-estimate';

/** The shape of Qwen2.5-0.5B. */
const MODEL = {
  parameters: 494_032_768,
  layers: 24,
  hidden: 896,
  intermediate: 4864,
  heads: 14,
  kvHeads: 2,
  headDim: 64,
  vocabulary: 151_936,
  tied: true,
} as ModelReport;
const cost = {
  rows: 16,
  fed: 3200,
  rationale: 1800,
  longest: 320,
  sequences: 2,
  bytes: 1800 * 24 * 896 * 4,
  tooLong: [],
};

describe('the estimate for rows', () => {
  it('counts one batch at a time, the kept states, and every token once', () => {
    const found = rowsEstimate(MODEL, 'wasm', cost)!;
    expect(found.fits).toBe(true);
    expect(found.memory).toBeGreaterThan(1.5e9 + cost.bytes);
    expect(found.memory).toBeLessThan(2.8e9);
    const twice = rowsEstimate(MODEL, 'wasm', { ...cost, rows: 32, fed: 6400, bytes: 2 * cost.bytes })!;
    expect(twice.memory - found.memory).toBe(cost.bytes);
    // 2 · layer parameters · tokens, at 14e9 operations per second.
    const layers = MODEL.parameters - MODEL.vocabulary * MODEL.hidden;
    expect(twice.seconds! - found.seconds!).toBeCloseTo((2 * layers * 3200) / 14e9, 6);
  });

  it('counts what earlier requests may have left, without which a second request is beyond it', () => {
    const smol = { ...MODEL, parameters: 134_515_008, layers: 30, hidden: 576, intermediate: 1536 };
    const sizes = { heads: 9, kvHeads: 3, vocabulary: 49_152 };
    const found = rowsEstimate({ ...smol, ...sizes }, 'wasm', {
      ...cost,
      ...{ sequences: 4, longest: 130, bytes: 0 },
    })!;
    // The heap of such a request after five of other sizes (contract/memory.test.ts), and the page.
    const measured = 1336e6 + 330e6;
    expect(measured / found.memory).toBeGreaterThan(1.15);
    expect(measured / (found.memory + found.kept)).toBeLessThan(1.15);
  });

  it('says what would fit, and nothing if that is unknown', () => {
    const large = { ...MODEL, parameters: 880_000_000 };
    const found = rowsEstimate(large, 'wasm', { ...cost, longest: 4096, sequences: 1 })!;
    expect(found.fits).toBe(false);
    expect(found.fittingTokens === undefined || found.fittingTokens < 4096).toBe(true);
    // Nothing says how much memory a GPU has, however much it takes.
    for (const longest of [320, 30_000])
      expect(rowsEstimate(MODEL, 'webgpu', { ...cost, longest })).toMatchObject({
        ...{ fits: null, fittingTokens: undefined, seconds: undefined },
      });
    const { headDim: _unknown, ...unknown } = MODEL;
    expect(rowsEstimate(unknown as ModelReport, 'wasm', cost)).toBeNull();
  });
});
