import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sizeOf } from '../base/shape';
import { gradients } from '../graph/gradient.testing';
import { Graph, liveNodes, type Program, type Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import { chunked } from '../model/device-weights';
import { ModelOnDevice } from '../model/model-on-device';
import { klDivergence, tokenLogProbabilities } from '../nn/likelihood';
import { outerModel } from '../nn/stack';
import { type CompileOptions, createRuntime, type Runtime } from '../runtime/runtime';
import type { DeviceTensor } from '../runtime/tensor';
import { compileWhole } from './compile-whole';
import { compileLayerwise } from './layerwise/compile';
import type { TapeRun } from './step';
import type { Tape } from './tape/tape';
import { relativeError, TINY_CONFIG, TINY_LAYOUT, type TinyStep, tinyStep } from './tiny.testing';

/** A vocabulary as large as Qwen's, on a device that binds at most a megabyte. */
const V = 150_000;
const LIMIT = 2 ** 20;

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

/** The runtime, which also keeps what it compiles. */
function watched(): { runtime: Runtime; programs: Program[] } {
  const programs: Program[] = [];
  const compile = (program: Program, options?: CompileOptions) => {
    programs.push(program);
    return runtime.compile(program, options);
  };
  return {
    programs,
    runtime: new Proxy(runtime, {
      get: (on, name) => (name === 'compile' ? compile : Reflect.get(on, name)),
    }),
  };
}

async function outcome(
  tiny: TinyStep,
  limit: number,
  form: (model: ModelOnDevice, tape: Tape) => Promise<TapeRun>,
) {
  const seen = watched();
  const model = new ModelOnDevice(seen.runtime, tiny.config, tiny.weights, { maxVocabularyBytes: limit });
  const step = await form(model, tiny.tape(model.config));
  const packs = tiny.packs.map((data) => runtime.upload({ dtype: 'f32', shape: [data.length], data }));
  const { terms, gradients } = await step.run(tiny.feeds, packs);
  const found = {
    terms: [...((terms as DeviceTensor).data as Float32Array)],
    gradients: gradients.map((g) => (g.data as Float32Array).slice()),
    largest: Math.max(
      ...seen.programs.flatMap(({ outputs }) =>
        liveNodes(Object.values(outputs)).map(({ shape }) => sizeOf(shape)),
      ),
    ),
  };
  await step.dispose();
  await model.release();
  for (const pack of packs) pack.dispose();
  return found;
}

const FORMS = {
  'one program, a tied head': {
    tied: true,
    form: (model: ModelOnDevice, tape: Tape) => compileWhole(model, tape, 'step'),
  },
  'small programs, a head of its own': {
    tied: false,
    form: (model: ModelOnDevice, tape: Tape) => compileLayerwise(model, tape),
  },
};

describe('a vocabulary of 150,000', () => {
  it.each(Object.entries(FORMS))(
    'gives the same losses and gradients without a tensor over all its tokens: %s',
    async (_name, { tied, form }) => {
      const config = { ...TINY_CONFIG, vocabSize: V, tieWordEmbeddings: tied };
      const layout = { ...TINY_LAYOUT, batch: 1 };
      const tiny = tinyStep({ config, layout, latentSteps: 2, losses: 'codi', seed: 11 });
      const whole = await outcome(tiny, Number.POSITIVE_INFINITY, form);
      expect(whole.largest).toBeGreaterThanOrEqual(layout.explicit * V);
      const chunked = await outcome(tiny, LIMIT, form);
      // A chunk of the embedding has at most a megabyte of f32; its logits, for so few rows, are no larger.
      expect(chunked.largest).toBeLessThanOrEqual(LIMIT / 4);
      chunked.terms.forEach((term, i) => {
        // f32 sums over 150,000 tokens in another order.
        expect(Math.abs(term / (whole.terms[i] as number) - 1)).toBeLessThan(1e-5);
      });
      for (const [i, gradient] of chunked.gradients.entries())
        expect(relativeError(gradient, whole.gradients[i] as Float32Array)).toBeLessThan(2e-4);
    },
    60_000,
  );
});

/**
 * Maximum number of elements held at once in matrices with `rows` columns, if nodes run in order and the last
 * reader frees.
 */
function mostHeld(outputs: readonly Tensor[], rows: number): number {
  const nodes = liveNodes(outputs);
  const place = new Map(nodes.map((node, i) => [node, i]));
  const last = nodes.map((_, i) => i);
  nodes.forEach(({ inputs }, i) => {
    for (const x of inputs) last[place.get(x) as number] = i;
  });
  const counted = nodes.map(
    ({ op, shape }) => op !== 'input' && op !== 'constant' && shape.length === 2 && shape[1] === rows,
  );
  return Math.max(
    ...nodes.map((_, at) =>
      nodes.reduce(
        (sum, { shape }, i) => sum + (counted[i] && i <= at && at <= (last[i] as number) ? sizeOf(shape) : 0),
        0,
      ),
    ),
  );
}

const LIKELIHOODS = {
  'log-probabilities': tokenLogProbabilities,
  'KL divergence': (model, hidden) =>
    klDivergence(model, hidden, hidden.graph.input('reference', hidden.shape)),
} satisfies Record<string, typeof tokenLogProbabilities>;

describe.each(Object.entries(LIKELIHOODS))('%s of 150,000 tokens', (_name, likelihood) => {
  const [N, H] = [6, TINY_CONFIG.hiddenSize];
  const config = chunked({ ...TINY_CONFIG, vocabSize: V }, LIMIT / 4);
  const rows = config.vocabularyRows as number;

  it('and its gradient hold a few chunks at a time, and no tensor over all tokens', () => {
    expect(Math.ceil(V / rows)).toBeGreaterThan(20);
    const graph = new Graph();
    const hidden = graph.input('hidden', [N, H]);
    const value = likelihood(outerModel(graph, config), hidden, graph.input('targets', [N], 'i32'));
    const slope = gradients(o.reduceSum(o.mul(value, graph.input('each', [N, 1]))), [hidden]);
    for (const held of [[value], [value, ...slope]]) {
      const sizes = liveNodes(held).map(({ shape }) => sizeOf(shape));
      expect(Math.max(...sizes)).toBeLessThanOrEqual(LIMIT / 16);
      // Logits of both models, and what is computed from them.
      expect(mostHeld(held, rows)).toBeLessThanOrEqual(6 * N * rows);
      expect(mostHeld(held, rows)).toBeGreaterThan(0);
    }
  });
});
