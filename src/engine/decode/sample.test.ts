import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CancelledError, NumericError, RuntimeError } from '../base/errors';
import { siteId, uniformAt } from '../base/philox';
import { Rng } from '../base/rng';
import { leftPad } from '../data/batch';
import { ModelOnDevice, type ModelOptions } from '../model/model-on-device';
import type { DecoderConfig } from '../nn/config';
import type { Weights } from '../nn/weights';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { randomWeights, TINY_CONFIG } from '../train/tiny.testing';
import { Decoder } from './decoder';
import type { SamplingOptions } from './draw';
import { greedy } from './greedy';
import { logitsOf } from './readout';
import { type SampleOptions, sample } from './sample';
import { sampleNext } from './sample-next';
import type { DecoderState } from './state';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

/** Several blocks of 256 ids, and the last one not full. */
const CONFIG: DecoderConfig = { ...TINY_CONFIG, vocabSize: 700 };
const QUESTION = [5, 650, 299];
const PLAIN: SamplingOptions = { temperature: 1, topK: null, topP: 1 };

async function open(
  B: number,
  {
    options = {},
    weights,
    capacity = 16,
  }: { options?: ModelOptions; weights?: Weights; capacity?: number } = {},
): Promise<{ decoder: Decoder; state: DecoderState }> {
  const made = weights ?? randomWeights(CONFIG, new Rng(21));
  const model = new ModelOnDevice(runtime, CONFIG, made, options);
  const shape = { config: model.config, batch: B, question: 4, capacity };
  const decoder = new Decoder(model, shape);
  await model.release();
  const { ids, keyMask } = leftPad(new Array(B).fill(QUESTION), 4, 0);
  return { decoder, state: await decoder.begin(ids, keyMask) };
}

const OPTIONS: SampleOptions = {
  sampling: { temperature: 1.2, topK: 50, topP: 0.95 },
  seed: 8,
  samples: [0, 1, 2],
  positions: [3, 3, 3],
  endIds: [],
  limit: 6,
};
const idsOf = async (decoder: Decoder, state: DecoderState, options: SampleOptions): Promise<number[][]> =>
  (await sample(decoder, state, options)).map(({ tokens }) => tokens.map(({ id }) => id));

/** Tokens in the order of the cumulative distribution, with their probabilities, from all logits in float64. */
function exact(logits: Float32Array, { temperature, topK, topP }: SamplingOptions) {
  const max = Math.max(...logits);
  const all = Array.from(logits, (x, id) => ({ id, p: Math.exp((x - max) / temperature) }));
  const kept = [...all].sort((a, b) => b.p - a.p || a.id - b.id).slice(0, topK ?? all.length);
  const total = kept.reduce((sum, { p }) => sum + p, 0);
  let before = 0;
  const nucleus = kept.filter(({ p }, i) => {
    const keep = i === 0 || before < topP * total;
    before += p;
    return keep;
  });
  const tokens = topK === null && topP === 1 ? all : nucleus;
  const mass = tokens.reduce((sum, { p }) => sum + p, 0);
  const logSum = Math.log(Array.from(logits).reduce((sum, x) => sum + Math.exp(x - max), 0));
  return {
    at(u: number): number {
      let sum = 0;
      for (const { id, p } of tokens) {
        sum += p / mass;
        if (sum > u) return id;
      }
      return tokens.at(-1)?.id as number;
    },
    probability: (id: number): number => (tokens.find((token) => token.id === id)?.p ?? 0) / mass,
    logProbability: (id: number): number => (logits[id] as number) - max - logSum,
  };
}

describe.each([
  ['in one piece', {}],
  ['in chunks that blocks do not span', { maxVocabularyBytes: 300 * 4 * CONFIG.hiddenSize }],
] as const)('sampling over a vocabulary %s', (_, options) => {
  it('draws from the distribution of the model’s logits, with its probability and log-probability', async () => {
    const { decoder, state } = await open(1, { options });
    const logits = await logitsOf(decoder, state);
    for (const sampling of [
      PLAIN,
      { ...PLAIN, temperature: 0.3 },
      { ...PLAIN, topK: 7 },
      { ...PLAIN, topP: 0.5 },
      { temperature: 2, topK: 400, topP: 0.9 },
      { ...PLAIN, topK: 5000, topP: 0.999 },
    ]) {
      const expected = exact(logits, sampling);
      for (let position = 0; position < 12; position++) {
        const [token] = await sampleNext(decoder, state, sampling, [{ seed: 4, sample: 2, position }]);
        const u = uniformAt({ seed: 4, step: position, layer: 2, site: siteId('sampling') }, 0);
        expect(token?.id).toBe(expected.at(u));
        const id = token?.id as number;
        // Sums over the vocabulary are float32.
        expect((token?.probability as number) / expected.probability(id)).toBeCloseTo(1, 4);
        expect(token?.logProbability).toBeCloseTo(expected.logProbability(id), 4);
      }
    }
    await decoder.dispose();
  });
});

describe('continuations', () => {
  it('repeat for the same seed and state, alone or in a batch, and differ by sample and seed', async () => {
    const three = await open(3);
    const rows = await idsOf(three.decoder, three.state, OPTIONS);
    expect(new Set(rows.map((row) => row.join())).size).toBe(3);
    expect(await idsOf(three.decoder, three.state, OPTIONS)).toEqual(rows);
    expect(await idsOf(three.decoder, three.state, { ...OPTIONS, seed: 9 })).not.toEqual(rows);
    const one = await open(1);
    for (const own of [0, 1, 2])
      expect(await idsOf(one.decoder, one.state, { ...OPTIONS, samples: [own], positions: [3] })).toEqual([
        rows[own],
      ]);
    // A fork three tokens later continues as the original did.
    let state = one.state;
    for (const id of (rows[1] as number[]).slice(0, 3))
      state = await one.decoder.advance(state, { tokens: [id] });
    const rest = { ...OPTIONS, samples: [1], positions: [6], limit: 3 };
    expect(await idsOf(one.decoder, state, rest)).toEqual([rows[1]?.slice(3)]);
    await three.decoder.dispose();
    await one.decoder.dispose();
  });

  it('are greedy at or near temperature 0, with k = 1 and with a tiny p', async () => {
    const { decoder, state } = await open(1);
    const expected = await greedy(decoder, state, { endIds: [], limit: 6 });
    const one = { ...OPTIONS, samples: [0], positions: [3] };
    for (const sampling of [
      { ...PLAIN, temperature: 0 },
      { ...PLAIN, temperature: 1e-4 },
      { ...PLAIN, topK: 1 },
      { ...PLAIN, topP: 1e-6 },
    ])
      expect(await idsOf(decoder, state, { ...one, sampling })).toEqual(expected);
    const [again] = await sample(decoder, state, { ...one, sampling: { ...PLAIN, temperature: 0 } });
    const [drawn] = await sample(decoder, state, { ...one, sampling: { ...PLAIN, topK: 1 } });
    drawn?.tokens.forEach(({ logProbability, probability }, n) => {
      expect(logProbability).toBeCloseTo(again?.tokens[n]?.logProbability as number, 4);
      expect(probability).toBe(1);
    });
    await decoder.dispose();
  });

  it('end row by row: at an end token, when the caller stops, at the limit or when the cache is full', async () => {
    const { decoder, state } = await open(3);
    const rows = await idsOf(decoder, state, OPTIONS);
    const endId = rows[0]?.[2] as number;
    expect(rows[1]).not.toContain(endId);
    const live = decoder.stateBytes;
    const stopped = await sample(decoder, state, {
      ...OPTIONS,
      endIds: [endId],
      onToken: (row, { id }) => (row === 1 && id === rows[1]?.[3] ? 'stop' : undefined),
    });
    expect(stopped.map(({ tokens, ending, end }) => [tokens.map(({ id }) => id), ending, end?.id])).toEqual([
      [rows[0]?.slice(0, 2), 'end', endId],
      [rows[1]?.slice(0, 4), 'stop', undefined],
      [rows[2], 'limit', undefined],
    ]);
    const full = await sample(decoder, state, { ...OPTIONS, limit: 100 });
    // 4 of 16 columns hold the question, and the last token need not be fed.
    expect(full.map(({ tokens, ending }) => [tokens.length, ending])).toEqual(
      new Array(3).fill([13, 'full']),
    );
    const controller = new AbortController();
    const cancelled = sample(decoder, state, {
      ...OPTIONS,
      signal: controller.signal,
      onToken: () => void controller.abort(),
    });
    await expect(cancelled).rejects.toThrow(CancelledError);
    expect(decoder.stateBytes).toBe(live);
    await decoder.dispose();
  });

  it('are the same from one question read once for all rows, and with a growing cache', async () => {
    const three = await open(3, { capacity: 14 });
    const expected = await idsOf(three.decoder, three.state, { ...OPTIONS, limit: 9 });
    const model = three.decoder.model;
    const wider = (batch: number, capacity: number): Decoder =>
      new Decoder(model, { ...three.decoder.shape, batch, capacity });
    const one = wider(1, 4);
    const { ids, keyMask } = leftPad([QUESTION], 4, 0);
    const read = await one.begin(ids, keyMask);
    let decoder = wider(3, 7);
    const grown: number[] = [];
    const rows = await idsOf(decoder, await decoder.adopt(read), {
      ...OPTIONS,
      limit: 9,
      grow: async (full) => {
        const before = decoder;
        decoder = wider(3, before.shape.capacity + 3);
        grown.push(decoder.shape.capacity);
        const state = await decoder.adopt(full);
        await before.dispose();
        return { decoder, state };
      },
    });
    expect(rows).toEqual(expected);
    expect(grown).toEqual([10, 13]);
    await expect(one.adopt(read)).rejects.toThrow('1 rows and 4 columns cannot become one of 1 and 4');
    await expect(decoder.adopt(three.state)).rejects.toThrow(RuntimeError);
    for (const each of [one, decoder, three.decoder]) await each.dispose();
  });

  it('are refused if a logit is not a number', async () => {
    const weights = randomWeights(CONFIG, new Rng(21));
    (weights.outer.embedding?.data as Float32Array)[640 * CONFIG.hiddenSize] = Number.NaN;
    const { decoder, state } = await open(1, { weights });
    for (const temperature of [0, 1])
      await expect(
        sampleNext(decoder, state, { ...PLAIN, temperature }, [{ seed: 1, sample: 0, position: 0 }]),
      ).rejects.toThrow(NumericError);
    await decoder.dispose();
  });
});
