import { describe, expect, it } from 'vitest';
import {
  FACTORS,
  IDLE_BYTES,
  MATRIX_PIECE,
  PACKED_BYTES,
  PROGRAM_BYTES,
  RESIDENT_BYTES,
  VOCABULARY_CHUNK,
} from '../../../contract/memory';
import { MemoryError } from '../../base/errors';
import { parseModelConfig } from '../../checkpoint/config';
import { MAX_MATRIX_BYTES } from '../../model/device-weights';
import {
  MAX_IDLE_BYTES,
  MAX_PREPACKED_BYTES,
  MAX_PROGRAM_BYTES,
  MAX_RESIDENT_BYTES,
  MAX_VOCABULARY_BYTES,
  SESSION_FACTOR,
} from '../../model/model-on-device';
import { fitting, refuseUnlessFits, sizesOf } from './fits';

const config = (more: object) =>
  parseModelConfig({
    model_type: 'qwen2',
    hidden_size: 896,
    intermediate_size: 4864,
    num_hidden_layers: 24,
    num_attention_heads: 14,
    num_key_value_heads: 2,
    vocab_size: 151936,
    max_position_embeddings: 32768,
    rms_norm_eps: 1e-6,
    rope_theta: 1000000,
    tie_word_embeddings: true,
    ...more,
  });
const QWEN = config({});
const LARGE = config({ num_hidden_layers: 80 });

describe('what does not fit', () => {
  it('has the engine’s limits', () => {
    expect(VOCABULARY_CHUNK).toBe(MAX_VOCABULARY_BYTES);
    expect(MATRIX_PIECE).toBe(MAX_MATRIX_BYTES);
    expect(PACKED_BYTES).toBe(MAX_PREPACKED_BYTES);
    expect(RESIDENT_BYTES).toBe(MAX_RESIDENT_BYTES);
    expect([PROGRAM_BYTES, IDLE_BYTES]).toEqual([MAX_PROGRAM_BYTES, MAX_IDLE_BYTES]);
    expect(FACTORS).toEqual(SESSION_FACTOR);
    expect(sizesOf(QWEN)).toMatchObject({ parameters: 494_032_768, headDim: 64, tied: true });
  });

  it('is done with fewer sequences at a time, or refused naming what would fit', () => {
    const see = (sequences: number, tokens: number) => ({ kind: 'see', sequences, tokens }) as const;
    expect(fitting(QWEN, 'wasm', see(8, 64), 'reading a text')).toEqual(see(8, 64));
    const fewer = fitting(QWEN, 'wasm', see(8, 2000), 'reading a text');
    expect(fewer.tokens).toBe(2000);
    expect(fewer.sequences).toBeLessThan(8);
    expect(fewer.sequences).toBeGreaterThan(0);
    const long = () => fitting(QWEN, 'wasm', see(2, 30_000), 'reading text 3');
    expect(long).toThrow(MemoryError);
    expect(long).toThrow(
      /^reading text 3 needs about \d+\.\d GB, 1\.5 GB for weights and \d+\.\d GB for 2 × 30000 tokens; WASM has 4\.0 GB$/,
    );
    expect(long).toThrow(
      expect.objectContaining({ hint: expect.stringMatching(/^1 × \d+ tokens would fit/) }),
    );
    expect(fitting(QWEN, 'webgpu', see(2, 30_000), 'reading text 3')).toEqual(see(2, 30_000));
  });

  it.each([
    [70, undefined, 'half', '16 bits'],
    [140, 'half', 'int8', '8 bits'],
    [250, 'int8', 'int4', '4 bits'],
  ] as const)('of %i layers kept as %s: names %s, which would fit', (layers, own, other, bits) => {
    const see = { kind: 'see', sequences: 1, tokens: 64 } as const;
    const large = config({ num_hidden_layers: layers });
    const read = (storage: typeof own | typeof other) => () =>
      fitting({ ...large, ...(storage && { storage }) }, 'wasm', see, 'reading text 1');
    expect(read(own)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining(`with the weights stored in ${bits}`) }),
    );
    expect(read(other)()).toEqual(see);
  });

  it('names alternatives if nothing would fit', () => {
    const training = () =>
      refuseUnlessFits(LARGE, 'wasm', { kind: 'distil', sequences: 8, tokens: 85, rank: 8 }, 'training');
    expect(training).toThrow(MemoryError);
    expect(training).toThrow(
      expect.objectContaining({ hint: expect.stringMatching(/^Choose WebGPU in the Model panel/) }),
    );
    const own = { kind: 'distil', sequences: 1, tokens: 85, rank: 0, weights: true } as const;
    expect(() => refuseUnlessFits(QWEN, 'wasm', own, 'training')).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(/^training needs about 9\.9 GB outside WebAssembly.* about 6\.0 GB$/),
        hint: expect.stringMatching(/^Train LoRA adapters/),
      }),
    );
    const step = (sequences: number) => () =>
      refuseUnlessFits(QWEN, 'wasm', { kind: 'distil', sequences, tokens: 85, rank: 8 }, 'training');
    expect(step(4)).not.toThrow();
    expect(step(32)).toThrow(
      expect.objectContaining({ hint: expect.stringMatching(/^\d × 85 tokens would fit/) }),
    );
  });
});
