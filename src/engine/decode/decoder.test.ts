import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CancelledError, InputError } from '../base/errors';
import { Rng } from '../base/rng';
import { HIDDEN } from '../base/tokens';
import { Graph } from '../graph/graph';
import { interpret } from '../graph/interpret.testing';
import * as o from '../graph/ops';
import type { DecoderConfig } from '../nn/config';
import type { Feedback } from '../nn/feedback';
import { loraLayout } from '../nn/lora';
import { adapted } from '../nn/parameters.testing';
import { causalMask, logits as logitsOf, runStack, stackModel } from '../nn/stack';
import { namedWeights } from '../nn/weights';
import { createRuntime, type Runtime } from '../runtime/runtime';
import type { DeviceTensor } from '../runtime/tensor';
import { normals, randomWeights, relativeError, TINY_CONFIG, TINY_QWEN } from '../train/tiny.testing';
import { decoderOf, Walk } from './decoder.testing';
import { greedy } from './greedy';
import { nextTokens } from './readout';

/** float32 against float64 over two layers; measured below 1e-6. */
const TOLERANCE = 1e-5;
const LORA = { rank: 2, alpha: 3, targets: ['q', 'v', 'up', 'down'] } as const;
/** Three questions of different lengths, left-padded to S = 5. */
const QUESTIONS = [
  [3, 7],
  [1, 2, 3, 4, 5],
  [9, 8, 11],
];
const [B, S] = [3, 5];
const STEPS = 5;

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

function padded() {
  const ids = new Int32Array(B * S).fill(22);
  const mask = new Float32Array(B * S).fill(HIDDEN);
  QUESTIONS.forEach((q, b) => {
    ids.set(q, (b + 1) * S - q.length);
    mask.fill(0, (b + 1) * S - q.length, (b + 1) * S);
  });
  return {
    ids: { dtype: 'i32', shape: [B, S], data: ids } as const,
    keyMask: { dtype: 'f32', shape: [B, 1, 1, S], data: mask } as const,
  };
}

async function setUp(config: DecoderConfig, capacity = S + STEPS) {
  const rng = new Rng(11);
  const weights = randomWeights(config, rng.fork('weights'));
  const packs = Array.from({ length: config.layers }, (_, i) =>
    normals(rng.fork(`lora ${i}`), loraLayout(config, LORA).length, 0.3),
  );
  const shape = { config, batch: B, question: S, capacity, parameters: adapted(LORA) };
  const decoder = await decoderOf(runtime, weights, shape);
  const uploaded: DeviceTensor[] = packs.map((data) =>
    runtime.upload({ dtype: 'f32', shape: [data.length], data }),
  );
  decoder.setParameters(uploaded);
  const { ids, keyMask } = padded();
  const walk = new Walk(decoder);
  await walk.begin(ids, keyMask);
  const embedding = weights.outer.embedding?.data as Float32Array;
  const H = config.hiddenSize;
  const rowOf = (id: number): number[] => Array.from(embedding.subarray(id * H, (id + 1) * H));

  /** The whole sequence at once, in float64: states [B, L, H] and logits [B, V] of the last position. */
  const whole = (sequences: readonly (readonly number[][])[]) => {
    const T = (sequences[0] as number[][]).length;
    const graph = new Graph();
    const model = stackModel(graph, config, adapted(LORA));
    const run = runStack(model, {
      x: graph.input('x', [B * T, H]),
      batch: B,
      positions: T,
      from: 0,
      mask: o.add(o.pad(graph.input('keyMask', [B, 1, 1, S]), 3, 0, T - S), causalMask(graph, T, T)),
      past: undefined,
    });
    const last = run.hidden.map((h) => o.slice(o.reshape(h, [B, T, H]), 1, T - 1, T));
    const top = last[last.length - 1] as (typeof last)[number];
    const feeds: Record<string, ArrayLike<number>> = { x: sequences.flat(2), keyMask: keyMask.data };
    for (const [name, tensor] of Object.entries(namedWeights(weights))) feeds[name] = tensor.data;
    packs.forEach((pack, i) => {
      feeds[`parameter.student.${i}`] = pack;
    });
    const [hidden, logits] = interpret([o.concat(last, 1), logitsOf(model, o.reshape(top, [B, H]))], feeds);
    return { hidden: hidden as Float64Array, logits: logits as Float64Array };
  };
  const questionRows = Array.from({ length: B }, (_, b) =>
    Array.from(ids.data.subarray(b * S, (b + 1) * S), rowOf),
  );
  return {
    decoder,
    walk,
    embedding,
    rowOf,
    whole,
    questionRows,
    dispose: async () => {
      await decoder.dispose();
      for (const pack of uploaded) pack.dispose();
    },
  };
}

/** z of logits or the state, by its definition, in float64. */
function latentOf(
  state: { hidden: Float64Array; logits: Float64Array },
  config: DecoderConfig,
  filter: Feedback,
  embedding: Float32Array,
): number[] {
  const { layers: L, hiddenSize: H, vocabSize: V } = config;
  return Array.from({ length: B }, (_, b) => {
    if (filter.kind !== 'softmax')
      return Array.from(state.hidden.subarray((b * L + L - 1) * H, (b + 1) * L * H));
    const logits = Array.from(state.logits.subarray(b * V, (b + 1) * V), (x) => x / filter.temperature);
    const max = Math.max(...logits);
    const exps = logits.map((x) => Math.exp(x - max));
    const sum = exps.reduce((a, c) => a + c, 0);
    return Array.from({ length: H }, (_, h) =>
      exps.reduce((s, e, v) => s + (e / sum) * (embedding[v * H + h] as number), 0),
    );
  }).flat();
}

const CASES: [string, DecoderConfig, Feedback][] = [
  ['llama, softmax filter', TINY_CONFIG, { kind: 'softmax', temperature: 0.7 }],
  ['llama, the hidden state fed back', TINY_CONFIG, { kind: 'hidden' }],
  ['qwen2, a head of its own', TINY_QWEN, { kind: 'softmax', temperature: 1.6 }],
];

describe.each(CASES)('%s', (_name, config, filter) => {
  it('gives the same states step by step as for the whole sequence, for latents and tokens and questions of any length', async () => {
    const { walk, embedding, rowOf, whole, questionRows, dispose } = await setUp(config);
    const H = config.hiddenSize;
    const sequences = questionRows.map((rows) => [...rows]);
    const check = async (what: string): Promise<void> => {
      const expected = whole(sequences);
      expect(relativeError(await walk.hidden(), expected.hidden), `${what}: states`).toBeLessThan(TOLERANCE);
      expect(relativeError(await walk.logits(), expected.logits), `${what}: logits`).toBeLessThan(TOLERANCE);
      const z = latentOf(expected, config, filter, embedding);
      expect(relativeError(await walk.latent(filter), z), `${what}: latent`).toBeLessThan(TOLERANCE);
    };
    await check('question');
    for (const [t, what] of ['latent', 'latent', 'token', 'replaced', 'token'].entries()) {
      const rng = new Rng(t);
      if (what === 'token') {
        const ids = QUESTIONS.map(() => rng.integer(0, config.vocabSize - 1));
        await walk.tokens(...ids);
        ids.forEach((id, b) => {
          sequences[b]?.push(rowOf(id));
        });
      } else {
        const own = await walk.latent(filter);
        const z = what === 'replaced' ? normals(rng, B * H, 2) : Float32Array.from(own);
        await walk.feed(what === 'replaced' ? { vector: z } : { latent: filter });
        for (let b = 0; b < B; b++) sequences[b]?.push(Array.from(z.subarray(b * H, (b + 1) * H)));
      }
      await check(`${what} ${t}`);
    }
    await dispose();
  });
});

describe('Decoder', () => {
  const filter: Feedback = { kind: 'softmax', temperature: 1 };

  it('starts afresh without a trace of the previous text', async () => {
    const { walk, dispose } = await setUp(TINY_CONFIG);
    const { ids, keyMask } = padded();
    const way = async (): Promise<Float32Array[]> => {
      await walk.begin(ids, keyMask);
      await walk.feed({ latent: filter });
      await walk.tokens(4, 5, 6);
      return [await walk.logits(), await walk.hidden()];
    };
    const first = await way();
    await walk.begin({ ...ids, data: ids.data.map((x) => (x + 5) % 22) }, keyMask);
    for (let t = 0; t < 4; t++) await walk.tokens(t, 2 * t, 3 * t);
    expect(await way()).toEqual(first);
    await dispose();
  });

  it('refuses a position beyond its capacity, and can start again', async () => {
    const { walk, dispose } = await setUp(TINY_CONFIG, S + 2);
    expect(walk.state.room).toBe(2);
    await walk.tokens(1, 1, 1);
    await walk.tokens(2, 2, 2);
    expect(walk.state.room).toBe(0);
    const before = await walk.logits();
    await expect(walk.feed({ latent: filter })).rejects.toThrow(InputError);
    await expect(walk.tokens(1, 2, 3)).rejects.toThrow(`the sequence is full at ${S + 2} positions`);
    expect(await walk.logits()).toEqual(before);
    const { ids, keyMask } = padded();
    await walk.begin(ids, keyMask);
    await walk.tokens(1, 1, 1);
    await walk.tokens(2, 2, 2);
    expect(await walk.logits()).toEqual(before);
    await dispose();
  });

  it('refuses latents and tokens unless there is one per sequence', async () => {
    const { walk, dispose } = await setUp(TINY_CONFIG);
    await expect(walk.tokens(1, 2)).rejects.toThrow('needs Float32Array of 36');
    await expect(walk.tokens(1, 2, 23)).rejects.toThrow('token id 23');
    await expect(walk.feed({ vector: new Float32Array(12) })).rejects.toThrow('needs Float32Array of 36');
    await dispose();
  });

  it('frees every tensor and program', async () => {
    const before = [runtime.liveTensors, runtime.programCount];
    const { dispose } = await setUp(TINY_CONFIG);
    expect(runtime.liveTensors).toBeGreaterThan(before[0] as number);
    await dispose();
    expect([runtime.liveTensors, runtime.programCount]).toEqual(before);
  });
});

describe('greedy', () => {
  const V = TINY_CONFIG.vocabSize;

  /** Greedy decoding, one token at a time, from all logits, with nothing ending it. */
  async function plain(steps: number): Promise<number[][]> {
    const { walk, dispose } = await setUp(TINY_CONFIG);
    const out: number[][] = [[], [], []];
    for (let t = 0; t < steps; t++) {
      const logits = await walk.logits();
      const next = out.map((_, b) => {
        const row = logits.subarray(b * V, (b + 1) * V);
        return row.indexOf(Math.max(...row));
      });
      next.forEach((id, b) => {
        out[b]?.push(id);
      });
      if (t + 1 < steps) await walk.tokens(...next);
    }
    await dispose();
    return out;
  }

  it('takes the most probable token each time, up to the limit, and leaves the initial state unchanged', async () => {
    const expected = await plain(4);
    const { decoder, walk, dispose } = await setUp(TINY_CONFIG);
    const before = [decoder.stateBytes, runtime.liveTensors];
    expect(await greedy(decoder, walk.state, { endIds: [], limit: 4 })).toEqual(expected);
    expect(await greedy(decoder, walk.state, { endIds: [], limit: 4 })).toEqual(expected);
    expect(decoder.stateBytes).toBe(before[0]);
    expect((await nextTokens(decoder, walk.state)).ids).toEqual(
      Int32Array.from(expected, ([id]) => id as number),
    );
    await dispose();
  });

  it('ends each sequence before its end token, and stops when all have ended', async () => {
    const expected = await plain(4);
    const end = (expected[0] as number[])[1] as number;
    const cut = (ids: readonly number[]): number[] =>
      ids.includes(end) ? ids.slice(0, ids.indexOf(end)) : [...ids];
    const { decoder, walk, dispose } = await setUp(TINY_CONFIG);
    expect(await greedy(decoder, walk.state, { endIds: [end], limit: 4 })).toEqual(expected.map(cut));
    const advance = vi.spyOn(decoder, 'advance');
    const firsts = expected.map((ids) => ids[0] as number);
    expect(await greedy(decoder, walk.state, { endIds: firsts, limit: 4 })).toEqual([[], [], []]);
    expect(advance).not.toHaveBeenCalled();
    await dispose();
  });

  it('stops when the cache is full', async () => {
    const expected = await plain(3);
    const { decoder, walk, dispose } = await setUp(TINY_CONFIG, S + 2);
    expect(await greedy(decoder, walk.state, { endIds: [], limit: 50 })).toEqual(expected);
    await dispose();
  });

  it('is cancelled', async () => {
    const { decoder, walk, dispose } = await setUp(TINY_CONFIG);
    const signal = AbortSignal.abort();
    await expect(greedy(decoder, walk.state, { endIds: [], limit: 4, signal })).rejects.toThrow(
      CancelledError,
    );
    await dispose();
  });
});
