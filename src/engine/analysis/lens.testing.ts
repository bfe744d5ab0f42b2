import { Rng } from '../base/rng';
import { unpackF32 } from '../kernels/shared/testing';
import type { GatheredStates } from './gathered';
import golden from './lens.golden.json';

/** What the tests of the lens share. */

const sample = (states: Float32Array<ArrayBuffer>, tokens: number, s: number) => ({
  id: `sample-${s}`,
  about: `question ${s}`,
  tokens,
  states,
  sections: Uint8Array.from({ length: tokens }, (_, t) => (t === 0 ? 0 : 1)),
  texts: Array.from({ length: tokens }, (_, t) => `t${t}`),
});

/** The golden file's hidden states, of two models. */
export function goldenStates(which: 'first' | 'second'): GatheredStates {
  const { layers, hidden, tokens } = golden;
  return {
    layers,
    hidden,
    samples: golden[which].map((packed, s) => sample(unpackF32(packed), tokens[s] as number, s)),
  };
}

/** Normal entries, not centred, with layers of different scale. */
export function randomStates(
  tokens: readonly number[],
  layers: number,
  hidden: number,
  seed = 1,
): GatheredStates {
  const rng = new Rng(seed);
  const samples = tokens.map((n, s) => {
    const size = (i: number) => (Math.floor(i / hidden) % layers) + 1;
    const states = Float32Array.from(
      { length: n * layers * hidden },
      (_, i) => size(i) * (rng.normal() + 0.4),
    );
    return sample(states, n, s);
  });
  return { layers, hidden, samples };
}

/** All entries equal: nothing is left after centring. */
export function constantStates(tokens: readonly number[], layers: number, hidden: number): GatheredStates {
  const g = randomStates(tokens, layers, hidden);
  for (const { states } of g.samples) states.fill(0.7);
  return g;
}

export function withEntry(g: GatheredStates, s: number, at: number, value: number): GatheredStates {
  const samples = g.samples.map((one, i) => {
    if (i !== s) return one;
    const states = one.states.slice();
    states[at] = value;
    return { ...one, states };
  });
  return { ...g, samples };
}
