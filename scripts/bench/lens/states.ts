import type { GatheredStates } from '../../../src/engine/analysis/gathered';
import { Rng } from '../../../src/engine/base/rng';

export interface Size {
  readonly samples: number;
  readonly tokens: number;
  readonly layers: number;
  readonly hidden: number;
}

const RANK = 24;

/** A rank-24 part that decays as 1/i, drawn anew for every sample, and white noise of a hundredth of its size. */
export function syntheticStates(size: Size, seed: number): GatheredStates {
  const { samples, tokens, layers, hidden } = size;
  return {
    layers,
    hidden,
    samples: Array.from({ length: samples }, (_, s) => ({
      id: `synthetic ${s}`,
      about: 'seeded low rank and noise',
      tokens,
      states: syntheticSample(size, seed, s),
      sections: new Uint8Array(tokens).fill(1),
      texts: Array.from({ length: tokens }, (_, t) => `t${t}`),
    })),
  };
}

/** The states of sample s, [N, L, H]. */
export function syntheticSample(
  { tokens, layers, hidden }: Size,
  seed: number,
  s: number,
): Float32Array<ArrayBuffer> {
  const rng = new Rng(seed).fork(`sample ${s}`);
  const rows = tokens * layers;
  const left = Float64Array.from({ length: rows * RANK }, (_, i) => rng.normal() / (1 + (i % RANK)));
  const right = Float64Array.from({ length: RANK * hidden }, () => rng.normal());
  const states = new Float32Array(rows * hidden);
  const sum = new Float64Array(hidden);
  for (let r = 0; r < rows; r++) {
    for (let h = 0; h < hidden; h++) sum[h] = 0.01 * rng.normal();
    for (let k = 0; k < RANK; k++) {
      const w = left[r * RANK + k] as number;
      for (let h = 0; h < hidden; h++) sum[h] = (sum[h] as number) + w * (right[k * hidden + h] as number);
    }
    states.set(sum, r * hidden);
  }
  return states;
}
