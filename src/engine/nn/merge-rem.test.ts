import { describe, expect, it } from 'vitest';
import { Rng } from '../base/rng';
import { Graph } from '../graph/graph';
import { interpret } from '../graph/interpret';
import {
  normals,
  randomWeights,
  relativeError,
  TINY_CONFIG,
  TINY_GPT2,
  TINY_QWEN,
} from '../train/tiny.testing';
import { attachPack, packLength, type RemSpec } from './attachments';
import type { DecoderConfig } from './config';
import { mergedRem, remPairs } from './merge-rem';
import { causalMask, runStack, stackModel } from './stack';
import { namedWeights, type Weights } from './weights';

const SPEC: RemSpec = { kind: 'rem', width: 3, alpha: 4, sites: ['k.in', 'v.in'] };
const [B, P] = [2, 5];

/** Hidden states of every layer, keys and values of five positions. */
function outputs(
  config: DecoderConfig,
  weights: Weights,
  x: ArrayLike<number>,
  packs: Float32Array[],
  spec?: RemSpec,
) {
  const graph = new Graph();
  const model = stackModel(graph, config);
  const attached = packs.map((pack, i) => {
    const packed = graph.input(`pack.${i}`, [pack.length]);
    return attachPack(graph, config, spec as RemSpec, packed).attachments;
  });
  const { hidden, kv } = runStack(model, {
    ...{ x: graph.input('x', [B * P, config.hiddenSize]), batch: B, positions: P, from: 0, past: undefined },
    mask: causalMask(graph, P, P),
    ...(spec && { attached }),
  });
  const feeds: Record<string, ArrayLike<number>> = { x };
  for (const [name, { data }] of Object.entries(namedWeights(weights))) feeds[name] = data;
  packs.forEach((pack, i) => {
    feeds[`pack.${i}`] = pack;
  });
  return interpret([...hidden, ...kv.flatMap(({ k, v }) => [k, v])], feeds);
}

describe.each([
  ['llama', TINY_CONFIG],
  ['qwen2, with biases', TINY_QWEN],
  ['gpt2, transposed in its file', TINY_GPT2],
])('%s', (_name, config) => {
  const rng = new Rng(8);
  const weights = randomWeights(config, rng.fork('weights'));
  const x = normals(rng, B * P * config.hiddenSize);

  it.each([[['k.in', 'v.in']], [['v.in', 'q.in', 'k.in']]] as const)(
    'merged into %s, it computes the same without the module',
    (sites) => {
      const spec: RemSpec = { ...SPEC, sites: [...sites] };
      const packs = weights.layers.map(() => normals(rng, packLength(config, spec), 0.4));
      const before = outputs(config, weights, x, packs, spec);
      const after = outputs(config, mergedRem(config, weights, spec, packs), x, []);
      const without = outputs(config, weights, x, []);
      before.forEach((expected, i) => {
        // The merged weights are rounded to float32 once.
        expect(relativeError(after[i] as Float64Array, expected)).toBeLessThan(1e-6);
      });
      // The last layer's state does depend on it.
      const last = config.layers - 1;
      expect(relativeError(without[last] as Float64Array, before[last] as Float64Array)).toBeGreaterThan(
        0.05,
      );
    },
  );
});

it('refuses a pack of another specification', () => {
  expect(() => remPairs(TINY_CONFIG, SPEC, new Float32Array(12))).toThrow('144 are expected');
});
