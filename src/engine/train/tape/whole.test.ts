import { describe, expect, it } from 'vitest';
import { interpret } from '../../graph/interpret.testing';
import { packName } from '../../nn/parameters';
import { namedWeights } from '../../nn/weights';
import {
  TINY_CONFIG,
  TINY_GPT2,
  TINY_QWEN,
  TINY_QWEN3,
  type TinyOptions,
  type TinyStep,
  tinyStep,
} from '../tiny.testing';
import type { Segment } from './entries';
import { tapeFeeds, tapeMasks } from './inputs';
import { traceTape } from './whole';

const LAYOUT = { batch: 2, question: 4, prompt: 2, answer: 2, explicit: 4 };

function interpreted(tiny: TinyStep) {
  const tape = tiny.tape();
  const { outputs } = traceTape(tape, 'step');
  const { terms, ...gradients } = outputs;
  if (!terms) throw new Error('a step without terms');
  const feeds: Record<string, ArrayLike<number>> = {};
  for (const [name, { data }] of Object.entries({
    ...namedWeights(tiny.weights),
    ...tapeFeeds(tape, tiny.feeds),
    ...tapeMasks(tape, 0),
  }))
    feeds[name] = data;
  const packs = tiny.packs.map((pack) => Float64Array.from(pack));
  packs.forEach((pack, i) => {
    feeds[packName('student', i)] = pack;
  });
  return {
    packs,
    gradients: () => interpret(Object.values(gradients), feeds),
    loss: () => (interpret([terms], feeds)[0] as Float64Array).reduce((sum, x) => sum + x, 0),
  };
}

const CASES: Record<string, TinyOptions> = {
  'lori, explicit pass, softmax filter': { config: TINY_CONFIG, layout: LAYOUT, latentSteps: 2 },
  'codi, hidden filter, biases': {
    config: TINY_QWEN,
    layout: LAYOUT,
    latentSteps: 2,
    losses: 'codi',
    filter: 'hidden',
    explicit: false,
  },
  'lori, dropout': { config: TINY_CONFIG, layout: LAYOUT, latentSteps: 2, dropout: 0.3 },
  'lori, norms of queries and keys, scaled RoPE': {
    config: TINY_QWEN3,
    layout: LAYOUT,
    latentSteps: 2,
    explicit: false,
  },
  'lori, LayerNorm, GELU, learned positions': { config: TINY_GPT2, layout: LAYOUT, latentSteps: 2 },
};

describe('a tape', () => {
  it('refuses two terms with the same name, which would share a program', () => {
    const tape = tinyStep({ losses: 'ce' }).tape();
    const [segment] = tape.entries.filter((entry) => entry.kind === 'segment');
    const again = () => tape.loss(['answer'], [(segment as Segment).last], () => []);
    expect(again).toThrow('two loss terms are named "answer"');
  });

  it('refuses positions and columns outside a segment', () => {
    const [segment] = tinyStep({ losses: 'ce' }).tape().segments as [Segment];
    const { positions: P, end } = segment;
    expect(segment.finals(0, P).shape[0]).toBe(segment.x.shape[0]);
    expect(segment.keyValues(0, end)).toMatchObject({ from: 0, to: end });
    expect(() => segment.at(P)).toThrow(
      `states [${P}, ${P + 1}) of a segment that ends after ${P} positions`,
    );
    expect(() => segment.at(-1)).toThrow('states [-1, 0)');
    expect(() => segment.finals(1, 1)).toThrow('states [1, 1)');
    expect(() => segment.keyValues(0, end + 1)).toThrow(`ends after ${end} columns`);
  });
});

describe('the gradient of the whole step agrees with central differences in float64', () => {
  it.each(Object.entries(CASES))('%s', (_name, options) => {
    const step = interpreted(tinyStep(options));
    const gradients = step.gradients();
    const h = 1e-5;
    let worst = 0;
    step.packs.forEach((pack, i) => {
      const gradient = gradients[i] as Float64Array;
      const rms = Math.sqrt(gradient.reduce((sum, x) => sum + x * x, 0) / gradient.length);
      // Entries spread over the pack, so that the cases together cover every linear's A and B.
      for (const j of [1, 97, 211, 388].map((k) => (k * (i + 1)) % pack.length)) {
        const at = pack[j] as number;
        pack[j] = at + h;
        const up = step.loss();
        pack[j] = at - h;
        const down = step.loss();
        pack[j] = at;
        const numeric = (up - down) / (2 * h);
        worst = Math.max(worst, Math.abs(numeric - (gradient[j] as number)) / rms);
      }
    });
    if (process.env.SHOW) console.log('finite differences', worst);
    // Relative to the pack's root mean square, because single entries may be near zero; measured 8e-8.
    expect(worst).toBeLessThan(1e-6);
  });
});
