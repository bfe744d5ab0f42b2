import { expect, it } from 'vitest';
import { NumericError } from '../base/errors';
import { Rng } from '../base/rng';
import { HIDDEN } from '../base/tokens';
import { ModelOnDevice } from '../model/model-on-device';
import type { Runtime } from '../runtime/runtime';
import { bothProviders } from '../testing/providers.testing';
import { normals, randomWeights, relativeError, TINY_CONFIG } from '../train/tiny.testing';
import { Decoder, type DecoderInput } from './decoder';
import { hiddenOf, latentOf, logitsOf, nextTokens, topTokens } from './readout';
import type { DecoderState } from './state';

/** float32 on two providers, over one layer. */
const TOLERANCE = 1e-5;
const [B, S, T] = [2, 3, 7];
const IDS = { dtype: 'i32', shape: [B, S], data: Int32Array.of(4, 9, 2, 0, 7, 11) } as const;
const MASK = { dtype: 'f32', shape: [B, 1, 1, S], data: Float32Array.of(0, 0, 0, HIDDEN, 0, 0) } as const;
const CONFIG = { ...TINY_CONFIG, layers: 1 };
const filter = { kind: 'softmax', temperature: 0.7 } as const;
const STEPS: DecoderInput[] = [{ latent: filter }, { tokens: [3, 19] }, { latent: filter }];

const providers = bothProviders();

/** The vocabulary of 23 in chunks of 8. */
async function open(runtime: Runtime): Promise<{ decoder: Decoder; model: ModelOnDevice }> {
  const weights = randomWeights(CONFIG, new Rng(6));
  const model = new ModelOnDevice(runtime, CONFIG, weights, {
    maxVocabularyBytes: 8 * 4 * CONFIG.hiddenSize,
  });
  const shape = { config: model.config, batch: B, question: S, capacity: T };
  return { decoder: new Decoder(model, shape), model };
}

async function seen(decoder: Decoder, state: DecoderState) {
  const { ids, logProbabilities } = await nextTokens(decoder, state);
  const tops = await topTokens(decoder, state, 3, 0.7);
  return {
    values: [
      await hiddenOf(state),
      await logitsOf(decoder, state),
      await latentOf(decoder, state, filter),
      logProbabilities,
      Float32Array.from(tops.flatMap(({ top, entropy }) => [...top.map((x) => x.probability), entropy])),
    ],
    ids: [...ids, ...tops.flatMap(({ top }) => top.map(({ id }) => id))],
  };
}

async function straight(decoder: Decoder) {
  const all = [];
  let state = await decoder.begin(IDS, MASK, { hidden: true });
  for (const input of STEPS) {
    state = await decoder.step(state, input, { hidden: true });
    all.push(await seen(decoder, state));
  }
  state.dispose();
  return all;
}

it('forks a state on WebGPU; the unchanged branch equals the straight run to the bit, and WASM’s within tolerance', async () => {
  const before = [providers.device.liveBuffers, providers.gpu.liveTensors];
  const { decoder, model } = await open(providers.gpu);
  const want = await straight(decoder);
  const begun = await decoder.begin(IDS, MASK, { hidden: true });
  let same = await decoder.advance(begun, { latent: filter }, { hidden: true });
  let other = await decoder.advance(begun, { tokens: [8, 8] }, { hidden: true });
  expect(await seen(decoder, same)).toEqual(want[0]);
  for (const [t, input] of STEPS.slice(1).entries()) {
    other = await decoder.step(other, input, { hidden: true });
    same = await decoder.step(same, input, { hidden: true });
    expect(await seen(decoder, same)).toEqual(want[t + 1]);
  }
  expect((await seen(decoder, other)).values).not.toEqual(want.at(-1)?.values);
  // Every tensor that any program reads was uploaded once.
  const { uploads, bakes } = model.traffic;
  expect(bakes).toBe(0);
  await straight(decoder);
  expect(model.traffic.uploads).toBe(uploads);

  const { decoder: onCpu, model: second } = await open(providers.cpu);
  for (const [t, { values, ids }] of (await straight(onCpu)).entries()) {
    expect(want[t]?.ids).toEqual(ids);
    values.forEach((value, i) => {
      expect(relativeError(want[t]?.values[i] ?? [], value)).toBeLessThan(TOLERANCE);
    });
  }
  await onCpu.dispose();
  await second.release();

  const bad = normals(new Rng(1), B * CONFIG.hiddenSize);
  bad[3] = Number.NaN;
  const state = await decoder.advance(begun, { vector: bad });
  await expect(nextTokens(decoder, state)).rejects.toThrow(NumericError);
  await expect(topTokens(decoder, state, 3)).rejects.toThrow(NumericError);
  await decoder.dispose();
  await model.release();
  expect([providers.device.liveBuffers, providers.gpu.liveTensors]).toEqual(before);
});
