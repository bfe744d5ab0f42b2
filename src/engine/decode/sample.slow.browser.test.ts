import { expect, it } from 'vitest';
import { NumericError } from '../base/errors';
import { Rng } from '../base/rng';
import { leftPad } from '../data/batch';
import { ModelOnDevice } from '../model/model-on-device';
import type { Runtime } from '../runtime/runtime';
import { bothProviders } from '../testing/providers.testing';
import { randomWeights, TINY_CONFIG } from '../train/tiny.testing';
import { Decoder } from './decoder';
import { sample } from './sample';
import { type SampledToken, sampleNext } from './sample-next';

/** Three blocks of ids in two chunks of rows, the last of each not full. */
const CONFIG = { ...TINY_CONFIG, layers: 1, vocabSize: 600 };
const OPTIONS = { maxVocabularyBytes: 300 * 4 * CONFIG.hiddenSize };
const SAMPLING = { temperature: 0.8, topK: 40, topP: 0.9 };

const providers = bothProviders();

/** Two samples of one question, in a cache that grows once. */
async function drawn(runtime: Runtime, bad = false): Promise<SampledToken[][]> {
  const weights = randomWeights(CONFIG, new Rng(21));
  if (bad) (weights.outer.embedding?.data as Float32Array)[550 * CONFIG.hiddenSize] = Number.NaN;
  const model = new ModelOnDevice(runtime, CONFIG, weights, OPTIONS);
  const made = (batch: number, capacity: number): Decoder => {
    return new Decoder(model, { config: model.config, batch, question: 4, capacity });
  };
  const [reads, draws, grown] = [made(1, 4), made(2, 6), made(2, 9)];
  try {
    const { ids, keyMask } = leftPad([[5, 550, 299]], 4, 0);
    const state = await draws.adopt(await reads.begin(ids, keyMask));
    if (bad) {
      const keys = [0, 1].map((own) => ({ seed: 1, sample: own, position: 3 }));
      return [await sampleNext(draws, state, SAMPLING, keys)];
    }
    const rows = await sample(draws, state, {
      sampling: SAMPLING,
      seed: 4,
      samples: [0, 1],
      positions: [3, 3],
      endIds: [],
      limit: 4,
      grow: async (full) => ({ decoder: grown, state: await grown.adopt(full) }),
    });
    return rows.map(({ tokens }) => [...tokens]);
  } finally {
    for (const decoder of [reads, draws, grown]) await decoder.dispose();
    await model.release();
  }
}

it('draws the same tokens on WebGPU as on WASM, with the same probabilities', async () => {
  const [ours, theirs] = [await drawn(providers.gpu), await drawn(providers.cpu)];
  expect(ours.map((row) => row.map(({ id }) => id))).toEqual(theirs.map((row) => row.map(({ id }) => id)));
  ours.forEach((row, b) => {
    row.forEach(({ logProbability, probability }, n) => {
      // float32 on two providers, over one layer and 600 tokens.
      expect(logProbability).toBeCloseTo(theirs[b]?.[n]?.logProbability as number, 4);
      expect(probability).toBeCloseTo(theirs[b]?.[n]?.probability as number, 4);
    });
  });
  expect(new Set(ours.flat().map(({ id }) => id)).size).toBeGreaterThan(2);
  expect([providers.gpu.liveTensors, providers.cpu.liveTensors]).toEqual([0, 0]);
}, 60_000);

it('detects a NaN logit on WebGPU', async () => {
  await expect(drawn(providers.gpu, true)).rejects.toThrow(NumericError);
}, 60_000);
