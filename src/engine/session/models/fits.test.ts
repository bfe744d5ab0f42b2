import { describe, expect, it } from 'vitest';
import { readFile } from '../../../../scripts/tools/files';
import {
  FACTORS,
  IDLE_BYTES,
  type LayersSeen,
  MATRIX_PIECE,
  PACKED_BYTES,
  PROGRAM_BYTES,
  RESIDENT_BYTES,
  VOCABULARY_CHUNK,
} from '../../../contract/memory';
import { MemoryError } from '../../base/errors';
import { parseModelConfig } from '../../checkpoint/config';
import { MAX_STATE_BYTES } from '../../decode/state-pool';
import { MAX_MATRIX_BYTES } from '../../model/device-weights';
import {
  MAX_IDLE_BYTES,
  MAX_PREPACKED_BYTES,
  MAX_PROGRAM_BYTES,
  MAX_RESIDENT_BYTES,
  MAX_VOCABULARY_BYTES,
  SESSION_FACTOR,
} from '../../model/model-on-device';
import type { DecoderConfig } from '../../nn/config';
import { answeringBytes, fitting, refuseUnlessFits, refuseUnlessTogether, sizesOf } from './fits';

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

  it('names the layers that would fit where they are chosen, and what they are beside', () => {
    const large = config({ num_hidden_layers: 70 });
    const read = (layers: LayersSeen | undefined, of = large, tokens = 64) =>
      hintOf(() => fitting(of, 'wasm', { kind: 'see', sequences: 8, tokens, layers }, 'reading text 1'));
    const all = { run: 70, kept: 70 };
    const [, named] = /on WebGPU; with these weights states of layers 1 to (\d+) would fit\.$/.exec(
      read(all),
    ) as unknown as [string, string];
    const reading = (run: number) => () =>
      fitting(
        large,
        'wasm',
        { kind: 'see', sequences: 1, tokens: 64, layers: { run, kept: run } },
        'reading',
      );
    expect(reading(Number(named))).not.toThrow();
    expect(reading(Number(named) + 1)).toThrow(MemoryError);
    // A text that is too long could be shorter, or its states those of fewer layers.
    expect(read({ run: 24, kept: 24 }, { ...QWEN, storage: 'int4' }, 4200)).toMatch(
      /^1 × \d+ tokens or states of layers 1 to \d+ would fit: ask for less, or choose WebGPU in the Model panel\.$/,
    );
    expect(read(undefined)).not.toContain('layers');
    expect(read({ ...all, least: 70 })).not.toContain('layers');
  });

  const step = (sequences: number, more: object = {}) =>
    ({ kind: 'distil', sequences, tokens: 85, rank: 8, ...more }) as const;
  const refusing = (of: DecoderConfig, purpose: ReturnType<typeof step>) => () =>
    refuseUnlessFits(of, 'wasm', purpose, 'training');

  it('trains by layers what does not fit as one program', () => {
    expect(refusing(QWEN, step(4))).not.toThrow();
    expect(refusing(QWEN, step(16))).not.toThrow();
    expect(refusing(LARGE, step(8))).not.toThrow();
  });

  it('of a step names the batch that would fit, also by layers, and storages of frozen weights', () => {
    expect(refusing(QWEN, step(70))).toThrow(
      expect.objectContaining({
        code: 'memory',
        message: expect.stringMatching(
          /^training needs about \d+\.\d GB even by layers, .* 70 × 85 tokens; WASM/,
        ),
        hint: expect.stringMatching(
          /^(\d+) × 85 tokens would fit: choose a smaller batch or shorter rows\. WebGPU/,
        ),
      }),
    );
    // As many as it names do fit, and one more does not.
    const [, named] = /^(\d+)/.exec(hintOf(refusing(QWEN, step(70)))) as unknown as [string, string];
    expect(refusing(QWEN, step(Number(named)))).not.toThrow();
    expect(refusing(QWEN, step(Number(named) + 1))).toThrow(MemoryError);
    // Its weights alone are more than a page has outside WebAssembly.
    const larger = config({ num_hidden_layers: 120 });
    expect(refusing(larger, step(1))).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(
          /^training needs about 7\.\d GB outside WebAssembly, for the layers’ weights and inputs; a page has about 6\.0 GB$/,
        ),
        hint: 'As asked it would fit with the weights stored in 16 bits (an opened model’s storage); it then trains on rounded weights. WebGPU is not limited to 4 GB.',
      }),
    );
    expect(refusing({ ...larger, storage: 'half' }, step(1))).not.toThrow();
  });

  it('names alternatives if nothing would fit', () => {
    const huge = { ...config({ num_hidden_layers: 900 }), storage: 'int4' } as const;
    expect(refusing(huge, step(1))).toThrow(
      expect.objectContaining({ hint: expect.stringMatching(/^Choose WebGPU in the Model panel/) }),
    );
    expect(refusing(QWEN, step(1, { rank: 0, weights: true }))).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(/^training needs about 9\.9 GB outside WebAssembly.* about 6\.0 GB$/),
        hint: expect.stringMatching(/^Train LoRA adapters/),
      }),
    );
  });
});

describe('answers at a time', () => {
  const answering = (sequences: number, tokens: number) => ({ kind: 'generate', sequences, tokens }) as const;
  const GPT2 = parseModelConfig({
    ...{ model_type: 'gpt2', n_embd: 768, n_layer: 12, n_head: 12, n_positions: 1024, vocab_size: 50257 },
    ...{ activation_function: 'gelu_new', layer_norm_epsilon: 1e-5, tie_word_embeddings: true },
  });

  it('are so many that a decoder keeps their states, whatever the device', () => {
    for (const provider of ['wasm', 'webgpu'] as const) {
      // 737 MB a state of 50, of which it keeps 537 MB in all.
      const { sequences, tokens } = fitting(GPT2, provider, answering(50, 200), 'answering');
      expect([sequences, tokens]).toEqual([7, 200]);
      expect(sequences * answeringBytes(GPT2, 200)).toBeLessThanOrEqual(MAX_STATE_BYTES);
      expect((sequences + 1) * answeringBytes(GPT2, 200)).toBeGreaterThan(MAX_STATE_BYTES);
    }
    // One is always kept.
    expect(fitting(LARGE, 'webgpu', answering(50, 10_000), 'answering').sequences).toBe(1);
    // Reading keeps none.
    const see = { kind: 'see', sequences: 8, tokens: 1000 } as const;
    expect(fitting(GPT2, 'webgpu', see, 'reading')).toEqual(see);
  });

  it('are as many of the bundled pair as they were', async () => {
    const pair = parseModelConfig(
      JSON.parse(new TextDecoder().decode(await readFile('models', 'base/config.json'))),
    );
    // Its positions are 256.
    expect(fitting(pair, 'wasm', answering(50, 256), 'answering').sequences).toBe(50);
  });

  it('that must be written together are refused naming how many could', () => {
    const draw = (n: number) => () =>
      refuseUnlessTogether(GPT2, 'wasm', answering(n, 200), 'drawing answers');
    expect(draw(7)).not.toThrow();
    expect(draw(8)).toThrow(
      expect.objectContaining({
        code: 'memory',
        message: expect.stringMatching(
          /^drawing answers 8 at a time, of up to 200 tokens .* does not fit into memory$/,
        ),
        hint: expect.stringMatching(/^7 at a time would fit: choose a batch/),
      }),
    );
  });
});

/** The hint of the error that is thrown. */
function hintOf(work: () => void): string {
  try {
    work();
  } catch (error) {
    return (error as MemoryError).hint;
  }
  throw new Error('nothing was thrown');
}
