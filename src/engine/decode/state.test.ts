import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { InputError, MemoryError, NumericError, RuntimeError } from '../base/errors';
import { Rng } from '../base/rng';
import { sizeOf } from '../base/shape';
import { HIDDEN } from '../base/tokens';
import { liveNodes } from '../graph/graph';
import { ModelOnDevice } from '../model/model-on-device';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { normals, randomWeights, relativeError, TINY_CONFIG, TINY_QWEN } from '../train/tiny.testing';
import { Decoder, type DecoderInput } from './decoder';
import { greedy } from './greedy';
import type { DecodeShape } from './programs';
import { hiddenOf, latentOf, logitsOf, nextTokens, topTokens } from './readout';
import { sampleNext } from './sample-next';
import type { DecoderState } from './state';

const [B, S, T] = [2, 3, 9];
const FILTER = { kind: 'softmax', temperature: 0.7 } as const;
const IDS = { dtype: 'i32', shape: [B, S], data: Int32Array.of(4, 9, 2, 0, 7, 11) } as const;
const MASK = { dtype: 'f32', shape: [B, 1, 1, S], data: Float32Array.of(0, 0, 0, HIDDEN, 0, 0) } as const;

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

/** A decoder over random weights, which is its model's only user. */
async function open(
  config: DecodeShape['config'] = TINY_CONFIG,
  options: { readonly maxStateBytes?: number; readonly maxVocabularyBytes?: number } = {},
): Promise<Decoder> {
  const weights = randomWeights(config, new Rng(6));
  const model = new ModelOnDevice(runtime, config, weights, options);
  const shape = { config: model.config, batch: B, question: S, capacity: T };
  const decoder = new Decoder(model, shape, options.maxStateBytes);
  await model.release();
  return decoder;
}

const H = TINY_CONFIG.hiddenSize;
const STEPS: readonly DecoderInput[] = [
  { latent: FILTER },
  { tokens: [3, 19] },
  { vector: normals(new Rng(2), B * H, 1.5) },
  { latent: FILTER },
  { tokens: [22, 0] },
];

/** Everything that can be read of a state. */
async function seen(decoder: Decoder, state: DecoderState) {
  return {
    hidden: await hiddenOf(state),
    logits: await logitsOf(decoder, state),
    latent: await latentOf(decoder, state, FILTER),
    next: await nextTokens(decoder, state),
    top: await topTokens(decoder, state, 5, FILTER.temperature),
  };
}

async function straight(decoder: Decoder, steps = STEPS) {
  const all = [];
  let state = await decoder.begin(IDS, MASK, { hidden: true });
  for (const input of steps) {
    all.push(await seen(decoder, state));
    state = await decoder.step(state, input, { hidden: true });
  }
  all.push(await seen(decoder, state));
  state.dispose();
  return all;
}

describe('a state', () => {
  let shared: { readonly decoder: Decoder; readonly want: Awaited<ReturnType<typeof straight>> } | undefined;
  afterAll(() => shared?.decoder.dispose());

  it.each([0, 1, 2, 3, 4])(
    'can be forked at step %i; the unchanged branch equals the straight run, to the bit',
    async (fork) => {
      const decoder = await open();
      const want = await straight(decoder);
      let state = await decoder.begin(IDS, MASK, { hidden: true });
      const kept: DecoderState[] = [state];
      for (const input of STEPS.slice(0, fork)) {
        state = await decoder.advance(state, input, { hidden: true });
        kept.push(state);
      }
      // A different continuation, interleaved with the same one: another input, and an intervention.
      const matrix = normals(new Rng(9), H * H, 0.4);
      const intervention = decoder.intervention({ site: 'residual', layer: 1 }, matrix, new Float32Array(H));
      let other = await decoder.advance(state, { tokens: [8, 8] }, { hidden: true });
      const first = await seen(decoder, other);
      let same = state;
      const way: DecoderState[] = [];
      for (const [t, input] of STEPS.slice(fork).entries()) {
        same = await decoder.advance(same, input, { hidden: true });
        way.push(same);
        if (other.room > 0)
          other = await decoder.step(other, input, {
            hidden: true,
            interventions: t > 0 ? [intervention] : [],
          });
        expect(await seen(decoder, same)).toEqual(want[fork + t + 1]);
      }
      expect(first.logits).not.toEqual(want[fork + 1]?.logits);
      expect((await seen(decoder, other)).logits).not.toEqual(want.at(-1)?.logits);
      // The states kept on the way are unchanged.
      for (const [t, one] of kept.entries()) expect(await seen(decoder, one)).toEqual(want[t]);
      // And continues as before, however far others have gone since.
      const again = await decoder.advance(kept[0] as DecoderState, STEPS[0] as DecoderInput, {
        hidden: true,
      });
      expect(await seen(decoder, again)).toEqual(want[1]);
      again.dispose();
      for (const one of [...kept, ...way, other]) one.dispose();
      expect(decoder.stateBytes).toBe(0);
      await decoder.dispose();
      expect([runtime.liveTensors, runtime.programCount]).toEqual([0, 0]);
    },
  );

  it('reports the next token, the fed distribution and its entropy', async () => {
    const decoder = await open(TINY_QWEN);
    const V = TINY_QWEN.vocabSize;
    const state = await decoder.begin(IDS, MASK);
    const logits = await logitsOf(decoder, state);
    const { ids, logProbabilities } = await nextTokens(decoder, state);
    const tops = await topTokens(decoder, state, 4, 0.5);
    for (let b = 0; b < B; b++) {
      const row = Array.from(logits.subarray(b * V, (b + 1) * V));
      const shares = (tau: number): number[] => {
        const e = row.map((x) => Math.exp(x / tau));
        const sum = e.reduce((s, x) => s + x, 0);
        return e.map((x) => x / sum);
      };
      const order = [...row.keys()].sort((x, y) => (row[y] as number) - (row[x] as number));
      expect(ids[b]).toBe(order[0]);
      // float32 through one exponential sum.
      expect(logProbabilities[b]).toBeCloseTo(Math.log(shares(1)[order[0] as number] as number), 5);
      const p = shares(0.5);
      expect(tops[b]?.top.map(({ id }) => id)).toEqual(order.slice(0, 4));
      tops[b]?.top.forEach(({ id, probability }) => {
        expect(probability).toBeCloseTo(p[id] as number, 5);
      });
      expect(tops[b]?.entropy).toBeCloseTo(-p.reduce((s, x) => s + x * Math.log(x), 0), 4);
    }
    await decoder.dispose();
  });

  it('has no hidden states unless requested, and cannot be used once freed', async () => {
    const decoder = await open();
    const state = await decoder.begin(IDS, MASK);
    await expect(hiddenOf(state)).rejects.toThrow(InputError);
    state.dispose();
    await expect(decoder.advance(state, { latent: FILTER })).rejects.toThrow(RuntimeError);
    await expect(nextTokens(decoder, state)).rejects.toThrow('after it had been disposed of');
    expect(() => state.dispose()).toThrow(RuntimeError);
    await decoder.dispose();
  });

  it('is limited in number: a state without room is refused, the existing ones stay', async () => {
    const one = await open();
    const probe = await one.begin(IDS, MASK);
    const { bytes } = probe;
    await one.dispose();
    // Keys and values of two layers, the last states and the mask.
    expect(bytes).toBe(4 * (2 * 2 * B * 2 * T * 4 + B * H + B * T));
    const decoder = await open(TINY_CONFIG, { maxStateBytes: 3 * bytes });
    const states = [await decoder.begin(IDS, MASK)];
    for (let t = 0; t < 2; t++)
      states.push(await decoder.advance(states[0] as DecoderState, { latent: FILTER }));
    const before = await logitsOf(decoder, states[2] as DecoderState);
    await expect(decoder.advance(states[0] as DecoderState, { latent: FILTER })).rejects.toThrow(MemoryError);
    await expect(decoder.begin(IDS, MASK)).rejects.toThrow(`3 decoder states take ${3 * bytes} bytes`);
    expect(await logitsOf(decoder, states[2] as DecoderState)).toEqual(before);
    states[1]?.dispose();
    states.push(await decoder.advance(states[0] as DecoderState, { latent: FILTER }));
    expect(await logitsOf(decoder, states[3] as DecoderState)).toEqual(before);
    await decoder.dispose();
  });

  it('returns its tensors if the step that makes it fails', async () => {
    const live = runtime.liveTensors;
    const decoder = await open();
    const state = await decoder.begin(IDS, MASK);
    const left = await decoder.advance(state, { latent: FILTER });
    const held = decoder.bytes;
    left.dispose();
    // Its tensors are kept for the next step; its mask, in host memory, is gone.
    expect(decoder.bytes).toBe(held - 4 * B * T);
    const gone = (shape: readonly number[]) => {
      const tensor = runtime.upload({ dtype: 'f32', shape, data: new Float32Array(sizeOf(shape)) });
      tensor.dispose();
      return tensor;
    };
    const interventions = [{ at: { site: 'latent' }, matrix: gone([H, H]), shift: gone([1, H]) } as const];
    const before = [runtime.liveTensors, decoder.stateBytes];
    await expect(decoder.advance(state, { latent: FILTER }, { interventions })).rejects.toThrow(RuntimeError);
    const again = await decoder.advance(state, { latent: FILTER });
    expect(runtime.liveTensors).toBe(before[0]);
    expect(decoder.stateBytes).toBe(2 * (before[1] as number));
    again.dispose();
    await decoder.dispose();
    expect(runtime.liveTensors).toBe(live);
  });

  it('with a NaN logit is refused by name, whichever readout is used', async () => {
    const decoder = await open();
    const begun = await decoder.begin(IDS, MASK);
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const vector = normals(new Rng(1), B * H);
      vector[H + 3] = bad;
      const state = await decoder.advance(begun, { vector });
      for (const read of [
        nextTokens(decoder, state),
        topTokens(decoder, state, 3),
        greedy(decoder, state, { endIds: [], limit: 2 }),
      ]) {
        await expect(read).rejects.toThrow(NumericError);
        await expect(read).rejects.toThrow('a logit of the model is not finite in sequence 2');
      }
    }
    await decoder.dispose();
  });
});

describe('what is not requested', () => {
  it('adds nothing to a program: tokens are fed without reading the vocabulary', async () => {
    const decoder = await open();
    const spy = vi.spyOn(runtime, 'compile');
    const state = await decoder.step(await decoder.begin(IDS, MASK), { tokens: [1, 2] });
    const [prefill, advance] = spy.mock.calls.map(([program]) => program);
    const V = TINY_CONFIG.vocabSize;
    for (const program of [prefill, advance]) {
      const nodes = liveNodes(Object.values(program?.outputs ?? {}));
      expect(nodes.filter(({ shape, op }) => op === 'gemm' && shape.at(-1) === V)).toEqual([]);
      const caches = ['k.0', 'k.1', 'v.0', 'v.1'].map((name) => (program === prefill ? name : `own ${name}`));
      expect(Object.keys(program?.outputs ?? {}).sort()).toEqual([...caches, 'last'].sort());
    }
    await decoder.step(state, { latent: FILTER });
    const latent = spy.mock.calls[2]?.[0];
    const nodes = liveNodes(Object.values(latent?.outputs ?? {}));
    expect(nodes.filter(({ shape, op }) => op === 'gemm' && shape.at(-1) === V)).toHaveLength(1);
    spy.mockRestore();
    await decoder.dispose();
  });
});

describe('a vocabulary of 150,000 in chunks of at most 1 MiB', () => {
  const V = 150_000;
  const config = { ...TINY_CONFIG, layers: 1, vocabSize: V };
  const PLAIN = { temperature: 1, topK: null, topP: 1 };
  const KEYS = [0, 1].map((sample) => ({ seed: 3, sample, position: 5 }));

  it('decodes as the unchunked one does, without a tensor of its size', async () => {
    const results = [];
    for (const maxVocabularyBytes of [2 ** 30, 2 ** 20]) {
      const decoder = await open(config, { maxVocabularyBytes });
      expect(decoder.shape.config.vocabularyRows).toBe(maxVocabularyBytes > 2 ** 20 ? undefined : 21_429);
      const spy = vi.spyOn(runtime, 'compile');
      let state = await decoder.begin(IDS, MASK, { hidden: true });
      state = await decoder.step(state, { tokens: [149_999, 21_429] }, { hidden: true });
      state = await decoder.step(state, { latent: FILTER }, { hidden: true });
      const drawn = [];
      for (const sampling of [PLAIN, { temperature: 0.9, topK: 50, topP: 0.95 }])
        drawn.push(...(await sampleNext(decoder, state, sampling, KEYS)).map(({ id }) => id));
      results.push({ ...(await seen(decoder, state)), drawn });
      if (maxVocabularyBytes === 2 ** 20)
        for (const [program] of spy.mock.calls)
          for (const node of liveNodes(Object.values(program.outputs))) {
            expect(4 * sizeOf(node.shape), `${program.name}: ${node.op}`).toBeLessThanOrEqual(2 ** 20);
            expect(node.shape).not.toContain(V);
          }
      spy.mockRestore();
      await decoder.dispose();
    }
    const [whole, chunked] = results as [(typeof results)[0], (typeof results)[0]];
    // float32, sums over 150,000 in another order; a latent is a mean of so many embeddings that it nearly
    // cancels. Measured 2.5e-5.
    for (const of of ['hidden', 'logits', 'latent'] as const)
      expect(relativeError(chunked?.[of] ?? [], whole?.[of] ?? [])).toBeLessThan(1e-4);
    expect(chunked?.next.ids).toEqual(whole?.next.ids);
    expect(chunked?.drawn).toEqual(whole?.drawn);
    expect(chunked?.top.map(({ top }) => top.map(({ id }) => id))).toEqual(
      whole?.top.map(({ top }) => top.map(({ id }) => id)),
    );
  });
});
