import { describe, expect, it } from 'vitest';
import { ConfigError, GradientError } from '../base/errors';
import { Rng } from '../base/rng';
import { sizeOf } from '../base/shape';
import { vjp } from '../graph/gradient';
import { gradients } from '../graph/gradient.testing';
import { Graph, liveNodes, type Program, type Tensor } from '../graph/graph';
import { interpret } from '../graph/interpret.testing';
import * as o from '../graph/ops';
import { emit } from '../onnx/emit';
import { normals, randomWeights, relativeError, TINY_CONFIG, TINY_QWEN } from '../train/tiny.testing';
import type { DecoderConfig } from './config';
import { type Feedback, latentOf } from './feedback';
import { runContinuation, runLatent, runQuestion } from './latent';
import { klDivergence, tokenLogProbabilities } from './likelihood';
import { mostProbable, mostProbableTokens } from './next-token';
import { adapted } from './parameters.testing';
import { outerModel, stackModel } from './stack';
import { embed, logits, softmaxMixture, type VocabularyModel } from './vocabulary';
import { memorySource } from './weight-source';
import { namedWeights, vocabularyChunk } from './weights';

const crossEntropy = (model: VocabularyModel, hidden: Tensor, targets: Tensor, weights: Tensor): Tensor => {
  const each = tokenLogProbabilities(model, hidden, targets);
  return o.neg(o.reduceSum(o.mul(each, o.reshape(weights, each.shape))));
};

/** Both are float64 from float32 constants; only the order of sums differs. */
const TOLERANCE = 1e-12;
const N = 5;

/** Values of a model's weight inputs, whole or by chunks. */
function feedsOf(config: DecoderConfig, seed = 3): (graph: Graph) => Record<string, ArrayLike<number>> {
  const weights = randomWeights({ ...config, vocabularyRows: undefined } as DecoderConfig, new Rng(seed));
  const source = memorySource(weights);
  return (graph) => {
    const feeds: Record<string, ArrayLike<number>> = {};
    for (const { op, name } of graph.nodes) {
      if (op !== 'input') continue;
      const chunk = vocabularyChunk(config, name);
      const host = chunk ? source.read(chunk.name, chunk.from, chunk.to) : namedWeights(weights)[name];
      if (host) feeds[name] = host.data;
    }
    return feeds;
  };
}

type Build = (graph: Graph, config: DecoderConfig) => Tensor[];

/** The same build with the vocabulary whole and in chunks of 7 of 23 rows. */
function bothWays(config: DecoderConfig, build: Build, inputs: Record<string, ArrayLike<number>>) {
  return [undefined, 7].map((rows) => {
    const own = rows === undefined ? config : { ...config, vocabularyRows: rows };
    const graph = new Graph();
    const outputs = build(graph, own);
    return interpret(outputs, { ...feedsOf(own)(graph), ...inputs });
  }) as [Float64Array[], Float64Array[]];
}

const rng = new Rng(17);
const HIDDEN = (config: DecoderConfig) => normals(rng.fork('hidden'), N * config.hiddenSize, 1.5);
/** Of every chunk one, its edges among them. */
const TARGETS = Int32Array.of(0, 6, 7, 20, 22);
const WEIGHTS = Float32Array.of(0.3, 0.1, 0, 0.25, 0.35);

describe.each([
  ['tied', TINY_CONFIG],
  ['a head of its own', TINY_QWEN],
] as const)('a vocabulary in chunks, %s', (_name, config) => {
  const H = config.hiddenSize;

  it('embeds as one table does', () => {
    const build: Build = (graph, own) => [embed(outerModel(graph, own), graph.input('ids', [1, N], 'i32'))];
    const [whole, chunked] = bothWays(config, build, { ids: TARGETS });
    expect(chunked[0]).toEqual(whole[0]);
    expect(new Set(chunked[0]).size).toBe(N * H);
  });

  it('has the cross entropy of all logits, and its gradient', () => {
    const build: Build = (graph, own) => {
      const hidden = graph.input('hidden', [N, H]);
      const targets = graph.input('targets', [N], 'i32');
      const loss = crossEntropy(outerModel(graph, own), hidden, targets, graph.input('weights', [N]));
      // Twice the loss, so that its cotangent is not one.
      return [loss, ...gradients(o.mul(loss, 2), [hidden])];
    };
    const feeds = { hidden: HIDDEN(config), targets: TARGETS, weights: WEIGHTS };
    const [whole, chunked] = bothWays(config, build, feeds);
    for (const i of [0, 1])
      expect(relativeError(chunked[i] as Float64Array, whole[i] as Float64Array)).toBeLessThan(TOLERANCE);
    expect(Math.max(...(whole[1] as Float64Array).map(Math.abs))).toBeGreaterThan(0.01);
  });

  it('has the divergence from a reference of all logits, and its gradient', () => {
    const build: Build = (graph, own) => {
      const hidden = graph.input('hidden', [N, H]);
      const each = klDivergence(outerModel(graph, own), hidden, graph.input('reference', [N, H]));
      return [each, ...vjp([each], [graph.input('dy', [N, 1])], [hidden])];
    };
    const hidden = HIDDEN(config);
    const reference = normals(new Rng(9), N * H, 1.2);
    const [whole, chunked] = bothWays(config, build, { hidden, reference, dy: WEIGHTS });
    for (const i of [0, 1])
      expect(relativeError(chunked[i] as Float64Array, whole[i] as Float64Array)).toBeLessThan(TOLERANCE);
    // By the definition, from all logits.
    const graph = new Graph();
    const [x, y] = ['hidden', 'reference'].map((name) =>
      o.softmax(logits(outerModel(graph, config), graph.input(name, [N, H]))),
    ) as [Tensor, Tensor];
    const [p, q] = interpret([x, y], { ...feedsOf(config)(graph), hidden, reference }) as [
      Float64Array,
      Float64Array,
    ];
    const V = config.vocabSize;
    for (let b = 0; b < N; b++) {
      let expected = 0;
      for (let v = b * V; v < (b + 1) * V; v++)
        expected += (p[v] as number) * Math.log((p[v] as number) / (q[v] as number));
      expect(chunked[0]?.[b]).toBeCloseTo(expected, 10);
      expect(expected).toBeGreaterThan(0.01);
    }
    expect(bothWays(config, build, { hidden, reference: hidden, dy: WEIGHTS })[1][0]).toEqual(
      new Float64Array(N),
    );
  });

  it.each([0.4, 1, 2.5])(
    'mixes embeddings as the softmax does at τ = %d, and so does its gradient',
    (tau) => {
      const build: Build = (graph, own) => {
        const hidden = graph.input('hidden', [N, H]);
        const z = softmaxMixture(outerModel(graph, own), hidden, tau);
        return [z, ...vjp([z], [graph.input('dz', [N, H])], [hidden])];
      };
      const feeds = { hidden: HIDDEN(config), dz: normals(new Rng(8), N * H) };
      const [whole, chunked] = bothWays(config, build, feeds);
      for (const i of [0, 1])
        expect(relativeError(chunked[i] as Float64Array, whole[i] as Float64Array)).toBeLessThan(TOLERANCE);
      expect(Math.max(...(whole[1] as Float64Array).map(Math.abs))).toBeGreaterThan(0.01);
    },
  );

  it('finds the most probable tokens, their probabilities and the entropy', () => {
    const build: Build = (graph, own) => {
      const model = outerModel(graph, own);
      const hidden = graph.input('hidden', [N, H]);
      const one = mostProbable(model, hidden);
      const many = mostProbableTokens(model, hidden, graph.input('scale', [1, 1]), 9);
      return [one.id, one.logProbability, many.ids, many.logProbabilities, many.entropy];
    };
    const hidden = HIDDEN(config);
    const scale = 1 / 0.6;
    const [whole, chunked] = bothWays(config, build, { hidden, scale: [scale] });
    // By the definition, from all logits.
    const graph = new Graph();
    const all = logits(outerModel(graph, config), graph.input('hidden', [N, H]));
    const [rows] = interpret([all], { ...feedsOf(config)(graph), hidden }) as [Float64Array];
    const V = config.vocabSize;
    for (const [ids, logP, top, topLogP, entropy] of [whole, chunked] as Float64Array[][])
      for (let b = 0; b < N; b++) {
        const row = Array.from(rows.subarray(b * V, (b + 1) * V));
        const order = Array.from(row.keys()).sort((x, y) => (row[y] as number) - (row[x] as number));
        const shares = (s: number): number[] => {
          const e = row.map((x) => Math.exp(s * x));
          const sum = e.reduce((t, x) => t + x, 0);
          return e.map((x) => x / sum);
        };
        expect(ids?.[b]).toBe(order[0]);
        expect(logP?.[b]).toBeCloseTo(Math.log(shares(1)[order[0] as number] as number), 10);
        const p = shares(scale);
        expect(Array.from((top as Float64Array).subarray(9 * b, 9 * b + 9))).toEqual(order.slice(0, 9));
        order.slice(0, 9).forEach((id, j) => {
          expect(topLogP?.[9 * b + j]).toBeCloseTo(Math.log(p[id] as number), 10);
        });
        expect(entropy?.[b]).toBeCloseTo(-p.reduce((s, x) => s + x * Math.log(x), 0), 10);
      }
  });

  it('takes the first among equals, in a chunk and across chunks', () => {
    const build: Build = (graph, own) => {
      const model = outerModel(graph, own);
      // A hidden state of zeros: every logit is 0.
      const hidden = graph.input('hidden', [N, H]);
      const top = mostProbableTokens(model, hidden, graph.input('scale', [1, 1]), 10);
      return [mostProbable(model, hidden).id, top.ids, top.entropy];
    };
    for (const [id, ids, entropy] of bothWays(config, build, {
      hidden: new Float32Array(N * H),
      scale: [1],
    })) {
      expect(Array.from(id as Float64Array)).toEqual([0, 0, 0, 0, 0]);
      expect(Array.from((ids as Float64Array).subarray(0, 10))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      expect(entropy?.[0]).toBeCloseTo(Math.log(config.vocabSize), 12);
    }
  });

  it('computes chunks again in the reverse instead of keeping them', () => {
    const own = { ...config, vocabularyRows: 7 };
    const graph = new Graph();
    const hidden = graph.input('hidden', [N, H]);
    const model = outerModel(graph, own);
    const z = latentOf(model, hidden, { kind: 'softmax', temperature: 0.5 }, model.parameter);
    const targets = graph.input('targets', [N], 'i32');
    const loss = crossEntropy(model, z, targets, graph.input('weights', [N]));
    const [dx] = gradients(loss, [hidden]) as [Tensor];
    const products = liveNodes([loss, dx]).filter((x) => x.op === 'gemm' && x.shape[0] === N);
    const overChunks = products.filter(({ shape }) => shape[1] === 7 || shape[1] === 2);
    // Forward logits of both heads, in reverse both again, and the mixture's dz·Eᵀ.
    expect(overChunks.length).toBe(5 * 4);
    expect(() => logits(model, hidden)).toThrow(ConfigError);
  });

  it('has the gradient of embedding and head that one table has', () => {
    const build: Build = (graph, own) => {
      const model = outerModel(graph, own);
      const hidden = graph.input('hidden', [N, H]);
      const z = latentOf(model, hidden, { kind: 'softmax', temperature: 0.5 }, model.parameter);
      const loss = crossEntropy(model, z, graph.input('targets', [N], 'i32'), graph.input('weights', [N]));
      return [model.outer.embedding, model.outer.head ?? []].flatMap((parts) =>
        parts.length > 0 ? [o.concat(gradients(loss, parts), 0)] : [],
      );
    };
    const inputs = { hidden: HIDDEN(config), targets: TARGETS, weights: WEIGHTS };
    const [whole, chunked] = bothWays(config, build, inputs);
    whole.forEach((expected, i) => {
      expect(Math.hypot(...expected)).toBeGreaterThan(1e-3);
      expect(relativeError(chunked[i] as Float64Array, expected)).toBeLessThan(TOLERANCE);
    });
  });

  it('refuses the gradient of a head that two models share, one of them fixed', () => {
    const graph = new Graph();
    const model = outerModel(graph, { ...config, vocabularyRows: 7 });
    const [one, two] = [graph.input('one', [N, H]), graph.input('two', [N, H])];
    const head = (model.outer.head ?? model.outer.embedding)[1] as Tensor;
    expect(() => gradients(o.reduceSum(klDivergence(model, one, two)), [head])).toThrow(GradientError);
  });
});

it('a vocabulary that one tensor holds is the graph it always was', () => {
  for (const config of [TINY_CONFIG, TINY_QWEN]) {
    const bytes = [config, { ...config, vocabularyRows: config.vocabSize }].map((own) => {
      const graph = new Graph();
      const model = outerModel(graph, own);
      const hidden = latentOf(model, embed(model, graph.input('ids', [N], 'i32')), SOFTMAX, model.parameter);
      const loss = crossEntropy(
        model,
        hidden,
        graph.input('targets', [N], 'i32'),
        graph.input('weights', [N]),
      );
      // Gather, two products, a softmax and the mixture; no running sums.
      const ops = liveNodes([loss]).map(({ op }) => op);
      expect(ops.filter((op) => op === 'gemm')).toHaveLength(3);
      expect(ops.filter((op) => op === 'reduceMax')).toHaveLength(1);
      expect(ops).not.toContain('withGradient');
      return emit({ name: 'p', outputs: { loss } }, { provider: 'wasm' });
    });
    expect(bytes[0]).toEqual(bytes[1]);
  }
});

const SOFTMAX: Feedback = { kind: 'softmax', temperature: 0.8 };

it('of 150,000 tokens, no program holds a tensor of rows × tokens: training, its reverse, and decoding', () => {
  const V = 150_000;
  const [B, S, K, A] = [4, 6, 2, 5];
  const config = { ...TINY_CONFIG, vocabSize: V, vocabularyRows: 8192 };
  const graph = new Graph();
  const lora = { rank: 2, alpha: 2, targets: ['q', 'down'] } as const;
  const model = stackModel(graph, config, adapted(lora));
  const question = runQuestion(
    model,
    graph.input('ids', [B, S], 'i32'),
    graph.input('keyMask', [B, 1, 1, S]),
  );
  let latents = runLatent(model, question, question, SOFTMAX);
  for (let t = 1; t < K; t++) latents = runLatent(model, question, latents, SOFTMAX);
  const answer = runContinuation(model, question, latents, graph.input('answer', [B, A], 'i32'), 'answer');
  const loss = crossEntropy(
    model,
    answer.hidden.at(-1) as Tensor,
    graph.input('targets', [B, A], 'i32'),
    graph.input('weights', [B, A]),
  );
  const packs = graph.nodes.filter(({ name }) => name.startsWith('parameter.'));
  const outputs = Object.fromEntries([loss, ...gradients(loss, packs)].map((x, i) => [String(i), x]));
  expect(packs).toHaveLength(2);
  expectSmall({ name: 'training', outputs }, Math.max(B * A * 8192, 8192 * config.hiddenSize), V);
});

/** @param most elements of the largest tensor */
function expectSmall(program: Program, most: number, V: number): void {
  const nodes = liveNodes(Object.values(program.outputs));
  expect(nodes.length).toBeGreaterThan(100);
  expect(Math.max(...nodes.map(({ shape }) => sizeOf(shape)))).toBe(most);
  expect(nodes.filter(({ shape }) => shape.includes(V))).toEqual([]);
}
