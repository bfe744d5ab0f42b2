import { expect, it } from 'vitest';
import { findPreset } from '../../contract/presets';
import { RECIPES } from '../methods/index';
import type { DecoderConfig } from '../nn/config';
import { ParameterSet } from '../nn/parameter-set';
import type { Recipe } from './shared/recipe';

/** Llama-3.2-1B, from its config.json. */
const LLAMA_1B: DecoderConfig = {
  hiddenSize: 2048,
  intermediateSize: 8192,
  layers: 16,
  heads: 32,
  kvHeads: 8,
  headDim: 64,
  vocabSize: 128_256,
  normEps: 1e-5,
  ropeTheta: 500_000,
  tieWordEmbeddings: true,
  attentionBias: false,
  attentionOutputBias: false,
  mlpBias: false,
};

// CODI's code: 90,177,536 of LoRA and 8,396,800 of the projection; the embeddings of added tokens are fixed.
it('as many values of Llama-3.2-1B are trained as CODI’s code says', () => {
  const { config } = findPreset('codi-llama-1b') ?? {};
  if (!config) throw new Error('no such preset');
  const recipe = RECIPES[config.method] as Recipe;
  const count = (run: typeof config): number =>
    new ParameterSet(LLAMA_1B, recipe.adapters(run), recipe.modules?.(run, LLAMA_1B) ?? []).size;
  expect(count(config)).toBe(98_574_336);
  const trained = { ...config, tokens: { trained: true, initial: 'mean' } } as typeof config;
  expect(count(trained)).toBe(98_574_336 + 2 * 2048);
});
