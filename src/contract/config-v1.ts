import type { z } from 'zod';
import { fitting, isObject, valueAt } from './settings';

/**
 * Version 1 of a configuration held every method's settings, whatever its method. These were its defaults; they are frozen,
 * so that an old file means what it meant whatever the defaults of today are.
 */
const VERSION_1 = {
  seed: 1,
  data: { samples: 128, validation: 100, heldOut: 200 },
  latent: { steps: 4, filter: 'softmax', temperature: 1 },
  lora: { rank: 8, alpha: 16, targets: ['q', 'k', 'v', 'o', 'gate', 'up', 'down'] },
  factors: {
    scope: 'shared',
    rationale: 'results',
    layerRank: 4,
    hiddenRank: 32,
    normaliseLayers: true,
    anchor: { sampleRank: 32, layerRank: 4, hiddenRank: 32, hooi: false },
  },
  weights: { covariance: 6.1e-5, mean: 0.0078, anchor: 0, answer: 0.3, explicit: 0, codi: 1 },
  optimiser: {
    steps: 150,
    batch: 8,
    learningRate: 1.5e-3,
    warmup: 0.05,
    weightDecay: 0.01,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    clip: 1,
  },
  evaluation: { every: 50, keepBest: false },
  observation: { every: 25, samples: 8 },
};

type Tree = Readonly<Record<string, unknown>>;

/**
 * A version 1 configuration as one of version 2, not yet validated. Settings that version 1 never had stay, so that
 * validation names them.
 * @param shape what a configuration of its method may hold
 * @returns the configuration, and path and value of each setting that its method has none for and that differs from
 *   version 1's default
 */
export function upgradeVersion1(
  value: Tree,
  shape: z.ZodRawShape,
): { value: Record<string, unknown>; left: [path: string, value: unknown][] } {
  const { version: _version, method: _method, ...settings } = value;
  const filled = fill(VERSION_1, settings);
  const { kept, left } = fitting(filled, shape);
  const unknown = left.filter(([path]) => valueAt(VERSION_1, path) === undefined);
  return {
    value: unknown.reduce<Record<string, unknown>>(
      (config, [path, held]) => put(config, path.split('.'), held),
      kept,
    ),
    left: left.filter(([path, held]) => {
      const usual = valueAt(VERSION_1, path);
      return usual !== undefined && usual !== held;
    }),
  };
}

/** The defaults with the given values in their places. */
function fill(defaults: Tree, given: Tree): Record<string, unknown> {
  const out: Record<string, unknown> = { ...defaults };
  for (const [key, value] of Object.entries(given)) {
    const usual = Object.hasOwn(defaults, key) ? defaults[key] : undefined;
    out[key] = isObject(usual) && isObject(value) ? fill(usual, value) : value;
  }
  return out;
}

function put(tree: Tree, [key = '', ...rest]: readonly string[], value: unknown): Record<string, unknown> {
  const inner = isObject(tree[key]) ? (tree[key] as Tree) : {};
  return { ...tree, [key]: rest.length === 0 ? value : put(inner, rest, value) };
}
