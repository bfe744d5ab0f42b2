import { expect, it } from 'vitest';
import { Rng } from '../base/rng';
import { Graph } from '../graph/graph';
import { interpret } from '../graph/interpret.testing';
import { normals, randomWeights, relativeError, TINY_CONFIG, TINY_GPT2 } from '../train/tiny.testing';
import { type DecoderConfig, linearSizes } from './config';
import { type LoraSpec, loraLayout } from './lora';
import { adapted } from './parameters.testing';
import { placed } from './positions';
import { causalMask, embed, runStack, stackModel } from './stack';
import { namedWeights, type Weights } from './weights';

const ALL: LoraSpec = { rank: 2, alpha: 3, targets: ['q', 'k', 'v', 'o', 'gate', 'up', 'down'] };
const IDS = [3, 1, 4, 1, 5];

/** Final hidden states of one sequence, in float64. */
function run(config: DecoderConfig, weights: Weights, packs?: readonly Float32Array[]): Float64Array {
  const graph = new Graph();
  const model = stackModel(graph, config, packs && adapted(ALL));
  const place = { batch: 1, positions: IDS.length, from: 0 };
  const x = placed(model, embed(model, graph.input('ids', [1, IDS.length], 'i32')), place);
  const mask = causalMask(graph, IDS.length, IDS.length);
  const { hidden } = runStack(model, { x, ...place, mask, past: undefined });
  const feeds: Record<string, ArrayLike<number>> = { ids: IDS };
  for (const [name, { data }] of Object.entries(namedWeights(weights))) feeds[name] = data;
  packs?.forEach((pack, i) => {
    feeds[`parameter.student.${i}`] = pack;
  });
  return interpret([hidden.at(-1) as never], feeds)[0] as Float64Array;
}

/** The weights with the adapters merged in: W + (alpha/r)·B·A, at the rows of each linear in its packed weight. */
function merged(config: DecoderConfig, weights: Weights, packs: readonly Float32Array[]): Weights {
  const sizes = linearSizes(config);
  const { parts } = loraLayout(config, ALL);
  const groups = { q: 'qkv', k: 'qkv', v: 'qkv', o: 'o', gate: 'gateUp', down: 'down' } as const;
  const upGroup = config.activation === 'gelu_new' ? 'up' : 'gateUp';
  const before = {
    ...{ q: 0, k: sizes.q.out, v: sizes.q.out + sizes.k.out, o: 0, gate: 0, down: 0 },
    up: upGroup === 'up' ? 0 : sizes.gate.out,
  };
  const layers = weights.layers.map((layer, i) => {
    const pack = packs[i] as Float32Array;
    const changed = { ...layer };
    for (const { linear, factor, offset } of parts) {
      if (factor === 'B') continue;
      const b = parts.find((part) => part.linear === linear && part.factor === 'B');
      const group = linear === 'up' ? upGroup : groups[linear];
      const { in: columns, out: rows } = sizes[linear];
      const data = Float32Array.from(changed[group]?.data as Float32Array);
      for (let r = 0; r < rows; r++)
        for (let c = 0; c < columns; c++)
          for (let k = 0; k < ALL.rank; k++) {
            const at = (before[linear] + r) * columns + c;
            const [left, right] = [pack[(b?.offset ?? 0) + r * ALL.rank + k], pack[offset + k * columns + c]];
            data[at] = (data[at] as number) + (ALL.alpha / ALL.rank) * (left as number) * (right as number);
          }
      changed[group] = { ...changed[group], data } as never;
    }
    return changed;
  });
  return { ...weights, layers };
}

it.each([
  ['LLaMA', TINY_CONFIG, 14],
  ['GPT-2', TINY_GPT2, 12],
] as const)('adapters of %s are what merging them into the weights gives', (_name, config, factors) => {
  expect(loraLayout(config, ALL).parts).toHaveLength(factors);
  const rng = new Rng(3);
  const weights = randomWeights(config, rng);
  const packs = Array.from({ length: config.layers }, () =>
    normals(rng, loraLayout(config, ALL).length, 0.3),
  );
  const adapted = run(config, weights, packs);
  // Merging rounds to float32.
  expect(relativeError(adapted, run(config, merged(config, weights, packs)))).toBeLessThan(1e-6);
  expect(relativeError(adapted, run(config, weights))).toBeGreaterThan(0.1);
});

it('a model that has none of the target modules refuses by their names', () => {
  expect(() => loraLayout(TINY_GPT2, { ...ALL, targets: ['gate'] })).toThrow(
    'target modules are gate; this model has q, k, v, o, up, down',
  );
});
