import { describe, expect, it } from 'vitest';
import { Rng } from '../base/rng';
import { Graph } from '../graph/graph';
import { interpret } from '../graph/interpret.testing';
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
import { remFactors } from './merge-rem';
import { type Overlay, overlaidSource } from './overlay';
import { causalMask, runStack, stackModel } from './stack';
import { memorySource, type WeightSource } from './weight-source';

const SPEC: RemSpec = { kind: 'rem', width: 3, alpha: 4, sites: ['k.in', 'v.in'] };
const [B, P] = [2, 5];

/** Hidden states, keys and values of every layer. */
function outputs(
  config: DecoderConfig,
  weights: WeightSource,
  x: ArrayLike<number>,
  packs: Float32Array[] = [],
  spec = SPEC,
) {
  const graph = new Graph();
  const attached = packs.map((pack, i) => {
    const packed = graph.input(`pack.${i}`, [pack.length]);
    return attachPack(graph, config, spec, packed).attachments;
  });
  const { hidden, kv } = runStack(stackModel(graph, config), {
    ...{ x: graph.input('x', [B * P, config.hiddenSize]), batch: B, positions: P, from: 0, past: undefined },
    mask: causalMask(graph, P, P),
    ...(packs.length > 0 && { attached }),
  });
  const feeds: Record<string, ArrayLike<number>> = { x };
  for (const name of weights.tensors.keys()) feeds[name] = weights.read(name).data;
  packs.forEach((pack, i) => {
    feeds[`pack.${i}`] = pack;
  });
  return interpret([...hidden, ...kv.flatMap(({ k, v }) => [k, v])], feeds);
}

describe.each([
  ['llama', TINY_CONFIG],
  ['qwen2, with biases', TINY_QWEN],
  ['gpt2, queries, keys and values in one tensor', TINY_GPT2],
])('%s', (_name, config) => {
  const rng = new Rng(8);
  const weights = memorySource(randomWeights(config, rng.fork('weights')));
  const x = normals(rng, B * P * config.hiddenSize);

  it.each([[['k.in', 'v.in']], [['v.in', 'q.in', 'k.in']]] as const)(
    'merged into %s, it computes the same without the module',
    (sites) => {
      const spec: RemSpec = { ...SPEC, sites: [...sites] };
      const packs = Array.from({ length: config.layers }, () => normals(rng, packLength(config, spec), 0.4));
      const overlays = new Map<string, Overlay[]>();
      for (const { target, ...factors } of remFactors(config, spec, packs))
        overlays.set(target, [...(overlays.get(target) ?? []), { kind: 'rem', ...factors }]);
      const before = outputs(config, weights, x, packs, spec);
      const after = outputs(config, overlaidSource(config, weights, overlays), x);
      before.forEach((expected, i) => {
        // The merged weights are rounded to float32 once.
        expect(relativeError(after[i] as Float64Array, expected)).toBeLessThan(1e-6);
      });
      const last = config.layers - 1;
      const without = outputs(config, weights, x)[last] as Float64Array;
      expect(relativeError(without, before[last] as Float64Array)).toBeGreaterThan(0.05);
    },
  );
});

it('refuses a pack of another specification', () => {
  expect(() => remFactors(TINY_CONFIG, SPEC, [new Float32Array(12)])).toThrow('144 are expected');
});
