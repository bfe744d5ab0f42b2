import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRunConfig } from '../../contract/config';
import { methodOf } from '../../contract/methods/index';
import { runStages } from '../../contract/methods/method';
import type { HostTensor } from '../base/dtype';
import { Rng } from '../base/rng';
import { thoughtsIn } from '../decode/reasoning';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { readGolden } from '../testing/golden.testing';
import { Tape } from '../train/tape/tape';
import { relativeError, TINY_CONFIG } from '../train/tiny.testing';
import { coconut, drawnStage } from './coconut';
import { casesOf, type Family, makeCase, ROUNDING, TOLERANCE } from './method-goldens.testing';
import { gradientNorms, interpreted, onBackEnds, outputsOf, worst } from './parity.testing';
import { BEGIN, END, joined, TOKENS } from './shared/added-tokens';

const golden = readGolden('coconut');
const { S, weight, decoderWeight, cases } = golden.meta;

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

/** The first step at which samples are drawn at the stages that the golden names. */
function stepOf(stages: readonly number[], curriculum: object): number {
  const config = parseRunConfig({ method: 'coconut', curriculum });
  for (let step = 0; ; step++) {
    const drawn = golden.meta.samples.llama.map((row: { steps: unknown[] }, sample: number) =>
      drawnStage(config, row.steps.length, { sample, step }),
    );
    if (String(drawn) === String(stages)) return step;
  }
}

const caseOf = (family: Family, name: string) => {
  const { stages, c, pad, instead: inPlace = 'latents', explain: per } = cases[family][name];
  const drawn = new Set(stages).size > 1;
  const curriculum = { latentsPerStep: c, stages: S, padLatents: pad, uniform: drawn ? 1 : 0, inPlace };
  return {
    ...{ golden, family, name, recipe: coconut, stage: drawn ? 3 : (stages[0] as number) },
    config: {
      ...{ method: 'coconut', curriculum },
      ...(per && { auxiliary: { per } }),
      weights: { answer: weight, decoder: per ? decoderWeight : 0 },
    } as const,
    step: drawn ? stepOf(stages, curriculum) : 0,
  };
};

describe('a step agrees with torch, term and gradients', () => {
  it.each(casesOf(golden.meta))('%s, %s', async (family, name) => {
    expect(await onBackEnds(await makeCase(caseOf(family, name)), runtime)).toBeLessThan(TOLERANCE);
  });

  it('in the float64 interpreter, to the rounding of the golden file', async () => {
    expect(worst(interpreted(await makeCase(caseOf('llama', 'mixed'))))).toBeLessThan(ROUNDING);
  });
});

describe('the schedule', () => {
  const rowsAt = async (config: object, stage: number, step = 0) => {
    const { feeds } = await makeCase({
      ...{ golden, family: 'llama', name: 'start', recipe: coconut, stage, step },
      config: { method: 'coconut', ...config },
    });
    const weights = feeds['text.weights'] as HostTensor;
    const columns = weights.shape[1] as number;
    const counted = Array.from(weights.data, (w) => (w > 0 ? 1 : 0));
    return golden.meta.samples.llama.map((_: unknown, b: number) =>
      counted.slice(b * columns, (b + 1) * columns).reduce((n: number, x) => n + x, 0),
    );
  };

  it('drops the first steps of every sample, and all of them after the last stage', async () => {
    // Steps of 3, 2, 4; 2; 3, 3 tokens; a prompt of 3, and answers of 1, 2, 1 tokens with an end.
    const answers = [5, 6, 5];
    const steps = [
      [9, 2, 6],
      [6, 0, 3],
      [4, 0, 0],
      [0, 0, 0],
    ];
    for (const [stage, left] of steps.entries())
      expect(await rowsAt({ curriculum: { stages: 2 } }, stage)).toEqual(
        left.map((n, b) => n + (answers[b] as number)),
      );
    expect(await rowsAt({ curriculum: { stages: 2, first: 2 } }, 0)).toEqual([9, 6, 5]);
  });

  it('is answered by a student that writes what is left, until after the last stage', () => {
    const config = parseRunConfig({ method: 'coconut', curriculum: { stages: 2, latentsPerStep: 3 } });
    const reasonings = [0, 1, 2, 3].map((stage) =>
      coconut.reasoning(config as never, TINY_CONFIG, { stage, endId: 1 }),
    );
    expect(reasonings.map(({ explicit = false }) => explicit)).toEqual([true, true, true, false]);
    expect(reasonings.map(thoughtsIn)).toEqual([0, 3, 6, 6]);
  });

  it('draws stages by seed, step and sample, as often as it is told', () => {
    const config = (uniform: number) => parseRunConfig({ method: 'coconut', curriculum: { uniform } });
    const draws = Array.from({ length: 3000 }, (_, step) => drawnStage(config(0.3), 3, { sample: 5, step }));
    const of = (stage: number | undefined): number => draws.filter((one) => one === stage).length / 3000;
    // Three standard errors.
    expect(Math.abs(of(undefined) - 0.7)).toBeLessThan(0.026);
    for (const stage of [0, 1, 2, 3]) expect(Math.abs(of(stage) - 0.075)).toBeLessThan(0.015);
    expect(draws).toEqual(
      Array.from({ length: 3000 }, (_, step) => drawnStage(config(0.3), 3, { sample: 5, step })),
    );
    expect(drawnStage(config(0), 3, { sample: 5, step: 1 })).toBeUndefined();
  });

  it('names its stages and their first steps; the last takes what is left', () => {
    const at = (curriculum: object, steps: number) => {
      const config = parseRunConfig({ method: 'coconut', curriculum, optimiser: { steps } });
      return runStages(methodOf('coconut'), config).map(({ from }) => from);
    };
    expect(at({ stages: 2, stageSteps: 10 }, 60)).toEqual([0, 10, 20, 30]);
    expect(at({ stages: 2, stageSteps: 10, first: 1 }, 60)).toEqual([0, 10, 20]);
    expect(at({ stages: 2, stageSteps: 10 }, 20)).toEqual([0, 10]);
    expect(() =>
      coconut.check?.(
        parseRunConfig({ method: 'coconut', curriculum: { first: 5, stages: 2 } }),
        TINY_CONFIG,
      ),
    ).toThrow('stages 0 to 3');
  });
});

it('says that its markers have nothing to begin as where no sample has a written step', () => {
  const problems = [{ question: [2], rationale: [], steps: [[], []], answer: [3] }];
  const training = { problems, layout: {} as never, codec: { prompt: [4], padId: 0, endId: 1 } };
  const [markers] = coconut.modules?.(parseRunConfig({ method: 'coconut' }), TINY_CONFIG, training) ?? [];
  const embedding = { count: 5, rows: () => new Float32Array() } as never;
  expect(() => markers?.initial(new Rng(1), embedding)).toThrow('no training sample has a written step');
});

it('refuses a decoder of steps where there are no latents, and beside all weights', () => {
  const refused = (config: object) => () =>
    coconut.check?.(
      parseRunConfig({ method: 'coconut', weights: { decoder: 1 }, ...config }) as never,
      TINY_CONFIG,
    );
  expect(refused({ curriculum: { inPlace: 'pauses' } })).toThrow('there are none');
  expect(refused({ training: { weights: 'full' } })).toThrow('two adapters');
  refused({})();
});

it('the steps’ loss alone reaches the latents, and the decoder reads them from position 1 on', async () => {
  const of = caseOf('qwen2', 'explain');
  const alone = await makeCase({ ...of, config: { ...of.config, weights: { answer: 0, decoder: 1 } } });
  const norms = gradientNorms(alone);
  for (const name of ['student.0', 'decoder.0', 'tokens']) expect(norms[name], name).toBeGreaterThan(1e-3);
  const { shape, data } = alone.feeds['steps.positions'] as HostTensor;
  expect(Array.from(data).slice(0, shape[1])).toEqual(
    Array.from({ length: shape[1] as number }, (_, j) => 1 + j),
  );
});

it('trains the latents through time: without their gradient, that of the question’s marker changes', async () => {
  const made = await makeCase(caseOf('llama', 'last'));
  const gradient = (detached: boolean): ArrayLike<number> => {
    const tape = made.tape();
    if (detached)
      for (const entry of tape.entries)
        if (entry.kind === 'compute' && entry.name.startsWith('feedback'))
          Object.assign(entry, { inputs: entry.inputs.map((input) => tape.detach(input)) });
    return outputsOf(made, tape)[1 + tape.parameters.index('tokens')] as ArrayLike<number>;
  };
  const [whole, cut] = [gradient(false), gradient(true)];
  expect(relativeError(cut, whole)).toBeGreaterThan(0.01);
});

it('n latents one after another are one pass over a sequence that has the final states before them in their places', async () => {
  const made = await makeCase(caseOf('llama', 'last'));
  const inTurn = made.tape();
  const fed = inTurn.entries.flatMap((entry) =>
    entry.kind === 'compute' && entry.name.startsWith('feedback')
      ? [{ kind: 'computed' as const, entry, shape: entry.shape, detached: false }]
      : [],
  );
  expect(fed).toHaveLength(2);
  for (const [i, z] of fed.entries()) inTurn.output(`z.${i}`, z);
  const [terms, ...rest] = outputsOf(made, inTurn);
  const latents = rest.slice(-2) as Float64Array[];

  const { batch: B, parameters } = made.tape();
  const H = made.config.hiddenSize;
  const S = (made.feeds['question.ids'] as HostTensor).shape[1] as number;
  const R = (made.feeds['text.targets'] as HostTensor).shape[1] as number;
  const once = new Tape(parameters, B);
  const given = latents.map((_, i) =>
    once.compute(`latent ${i}`, [B, H], [], ({ graph }) => graph.input(`given.${i}`, [B, H])),
  );
  const parts = [
    ...[once.tokens('question.ids', S), once.embeddings(TOKENS, [BEGIN])],
    ...[...given, once.embeddings(TOKENS, [END]), once.tokens('text.ids', R - 1)],
  ];
  const x = parts.reduce((before, next) => joined(once, before, next));
  const whole = once.segment(x, { adapters: ['student'], mask: 'whole.mask' });
  const ends = { targets: 'text.targets', weights: 'text.weights' };
  once.crossEntropy('answer', golden.meta.weight, whole.finals(S + 1 + latents.length), ends);
  for (const i of latents.keys()) once.output(`h.${i}`, whole.finals(S + i, S + i + 1));
  const marked = made.feeds['question.markedMask'] as HostTensor;
  const seen = Array.from({ length: B }, (_, b) => [
    ...Array.from(marked.data).slice(b * (S + 1), (b + 1) * (S + 1)),
    ...new Array(latents.length + R).fill(0),
  ]).flat();
  const width = S + 1 + latents.length + R;
  const feeds: Record<string, HostTensor> = {
    ...made.feeds,
    'whole.mask': { dtype: 'f32', shape: [B, 1, 1, width], data: Float32Array.from(seen) },
  };
  for (const [i, z] of latents.entries())
    feeds[`given.${i}`] = { dtype: 'f32', shape: [B, H], data: Float32Array.from(z) };
  const [loss, ...others] = outputsOf({ ...made, feeds }, once);
  // Latents are rounded to float32 on their way.
  expect(relativeError(loss, terms)).toBeLessThan(ROUNDING);
  for (const [i, h] of others.slice(-2).entries())
    expect(relativeError(h as Float64Array, latents[i] as Float64Array)).toBeLessThan(ROUNDING);
  // Others in their places are no fixed point.
  feeds['given.0'] = feeds['given.1'] as HostTensor;
  const [other] = outputsOf({ ...made, feeds }, once);
  expect(relativeError(other, terms)).toBeGreaterThan(1e-4);
});
