import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConfigOf, parseRunConfig } from '../../contract/config';
import { PRESETS } from '../../contract/presets';
import { thoughtsIn } from '../decode/reasoning';
import type { DecoderConfig } from '../nn/config';
import { ParameterSet } from '../nn/parameter-set';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { readGolden } from '../testing/golden.testing';
import { TINY_CONFIG } from '../train/tiny.testing';
import { dart } from './dart';
import { casesOf, type Family, makeCase } from './method-goldens.testing';
import { expectParity } from './parity.testing';

const golden = readGolden('dart');
const { meta } = golden;

const parity = (family: Family, name: string) => {
  const { count, norm, joint, both, position = 'prompt-end', kind = 'rem' } = meta.cases[family][name];
  return makeCase({
    ...{ golden, family, name, recipe: dart },
    config: {
      method: 'dart',
      silent: { count, pathway: both ? 'both' : 'rem' },
      rem: { ...meta.rem, kind },
      lora: { rank: meta.rank, alpha: meta.alpha },
      distance: { position, over: norm ?? 'mean', target: joint ? 'joint' : 'detached' },
      weights: meta.weights,
    },
  });
};

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

describe('DART agrees with torch', () => {
  it.each(casesOf(meta))('%s, %s', async (family, name) => {
    await expectParity(await parity(family, name), runtime);
  });
});

it('trains as many values on Llama-3.2-1B as the paper says, and one embedding', () => {
  const llama: DecoderConfig = {
    ...{ hiddenSize: 2048, intermediateSize: 8192, layers: 16, heads: 32, kvHeads: 8, headDim: 64 },
    ...{ vocabSize: 128_256, normEps: 1e-5, ropeTheta: 500_000, tieWordEmbeddings: true },
    ...{ attentionBias: false, attentionOutputBias: false, mlpBias: false },
  };
  const config = PRESETS.find(({ id }) => id === 'dart-llama-1b')?.config as ConfigOf<'dart'>;
  const parameters = new ParameterSet(llama, dart.adapters(config), dart.modules?.(config, llama));
  const sizes = (adapter: string) =>
    parameters.all
      .filter(({ name }) => name.startsWith(`${adapter}.`))
      .reduce((sum, { shape }) => sum + (shape[0] as number), 0);
  expect([sizes('cot'), sizes('silent')]).toEqual([27_262_976, 16_777_216]);
  expect(parameters.size).toBe(44_040_192 + 2048);
});

describe('reasoning', () => {
  const config = (changes: object) => parseRunConfig({ method: 'dart', ...changes }) as ConfigOf<'dart'>;
  it.each([
    [{}, ['silent'], ['cot']],
    [{ silent: { pathway: 'both' } }, ['cot', 'silent'], ['cot']],
    [{ rem: { kind: 'none' }, silent: { pathway: 'both' } }, ['cot'], ['cot']],
    [{ rem: { kind: 'none' } }, [], ['cot']],
  ])(
    'runs the silent pathway’s adapters, and LoRA where it writes: %j',
    (changes, adapters, explicitAdapters) => {
      const reasoning = dart.reasoning(config(changes), TINY_CONFIG);
      expect(reasoning).toMatchObject({ adapters, explicitAdapters });
      expect(thoughtsIn(reasoning)).toBe(8);
    },
  );

  it('has no thoughts and no embedding for C = 0', () => {
    const none = config({ silent: { count: 0 } });
    expect(thoughtsIn(dart.reasoning(none, TINY_CONFIG))).toBe(0);
    expect(dart.modules?.(none, TINY_CONFIG)).toEqual([]);
  });

  it('has LoRA on keys and values where the ablation puts it in place of REM', () => {
    expect(dart.adapters(config({ rem: { kind: 'lora', width: 4 } })).silent).toEqual({
      ...{ kind: 'lora', rank: 4, alpha: 32, targets: ['k', 'v'] },
    });
  });
});
