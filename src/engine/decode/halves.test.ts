import { afterAll, beforeAll, expect, it } from 'vitest';
import { Rng } from '../base/rng';
import { HIDDEN } from '../base/tokens';
import { inHalves, mapWeights, widenedWeights } from '../nn/weights.testing';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { randomWeights, TINY_CONFIG, TINY_QWEN } from '../train/tiny.testing';
import { decoderOf, Walk } from './decoder.testing';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

const FEEDBACK = { kind: 'softmax', temperature: 1 } as const;

it.each([
  ['f16', TINY_CONFIG],
  ['bf16', TINY_QWEN],
] as const)(
  'a decoder with weights kept in %s equals one with the same weights in f32, to the bit',
  async (dtype, config) => {
    const weights = mapWeights(randomWeights(config, new Rng(8)), (host) => inHalves(host, dtype));
    const [B, S] = [2, 3];
    const shape = {
      config,
      batch: B,
      question: S,
      capacity: S + 3,
    } as const;
    const ids = { dtype: 'i32', shape: [B, S], data: Int32Array.of(4, 9, 2, 0, 7, 11) } as const;
    const keyMask = {
      dtype: 'f32',
      shape: [B, 1, 1, S],
      data: Float32Array.of(0, 0, 0, HIDDEN, 0, 0),
    } as const;
    const read: Float32Array[][] = [];
    for (const kept of [weights, widenedWeights(weights)]) {
      const decoder = await decoderOf(runtime, kept, shape);
      const values: Float32Array[] = [];
      const walk = new Walk(decoder);
      const look = async () =>
        values.push(await walk.hidden(), await walk.logits(), await walk.latent(FEEDBACK));
      await walk.begin(ids, keyMask);
      await look();
      for (const tokens of [[0, 22], undefined, [22, 5]]) {
        await (tokens ? walk.tokens(...tokens) : walk.feed({ latent: FEEDBACK }));
        await look();
      }
      await decoder.dispose();
      read.push(values);
    }
    expect(read[0]).toHaveLength(12);
    expect(read[0]).toEqual(read[1]);
    // All positions differ, and nothing is flushed to zero.
    expect(new Set(read[0]?.map((values) => values[0])).size).toBe(12);
    expect(runtime.liveTensors).toBe(0);
  },
);
