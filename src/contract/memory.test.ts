import { describe, expect, it } from 'vitest';
import {
  compositionFor,
  estimateAsRun,
  estimateMemory,
  firstLayers,
  inHeap,
  layersThatFit,
  type ModelSizes,
  type Purpose,
  stepSeconds,
  storageThatFits,
  usualStorage,
  whatFits,
} from './memory';
import { WEIGHT_STORAGES, type WeightStorage } from './weight-storage';

const SMOL: ModelSizes = {
  parameters: 134_515_008,
  layers: 30,
  hidden: 576,
  intermediate: 1536,
  heads: 9,
  kvHeads: 3,
  vocabulary: 49152,
  tied: true,
};
const BASE: ModelSizes = {
  parameters: 1_136_384,
  layers: 5,
  hidden: 128,
  intermediate: 384,
  heads: 4,
  kvHeads: 2,
  vocabulary: 1187,
  tied: true,
};
const SMOL_HALF: ModelSizes = { ...SMOL, storage: 'half' };
const SMOL_INT4: ModelSizes = { ...SMOL, storage: 'int4' };
const QWEN: ModelSizes = {
  parameters: 494_032_768,
  layers: 24,
  hidden: 896,
  intermediate: 4864,
  heads: 14,
  kvHeads: 2,
  vocabulary: 151936,
  tied: true,
};
const QWEN_INT8: ModelSizes = { ...QWEN, storage: 'int8' };
const LLAMA: ModelSizes = {
  parameters: 1_235_814_400,
  layers: 16,
  hidden: 2048,
  intermediate: 8192,
  heads: 32,
  kvHeads: 8,
  vocabulary: 128256,
  tied: true,
};
const LLAMA_INT8: ModelSizes = { ...LLAMA, storage: 'int8' };
const TWENTY_SIX: ModelSizes = {
  parameters: 26_089_984,
  layers: 6,
  hidden: 512,
  intermediate: 1408,
  heads: 8,
  kvHeads: 4,
  vocabulary: 16384,
  tied: true,
};
const TWENTY: ModelSizes = { ...TWENTY_SIX, parameters: 18_749_952, vocabulary: 2048 };
const see = (sequences: number, tokens: number): Purpose => ({ kind: 'see', sequences, tokens });
const generate = (tokens: number): Purpose => ({ kind: 'generate', sequences: 1, tokens });
const distil = (sequences: number): Purpose => ({ kind: 'distil', sequences, tokens: 85, rank: 8 });

describe('what a model takes', () => {
  // Measured by `npm run bench:checkpoints` (the heap of WebAssembly, 17 MB of it without a model) and by
  // `bench:checkpoints:page` (the renderer, in all); training before this estimate existed, in one program.
  it.each([
    ['SmolLM2-135M, lens', SMOL, see(4, 64), 540e6, 993e6],
    ['SmolLM2-135M, text', SMOL, generate(57), 1158e6, 1391e6],
    ['Qwen2.5-0.5B, lens', QWEN, see(4, 64), 1523e6, 1973e6],
    ['Qwen2.5-0.5B, text', QWEN, generate(57), 2091e6, 2487e6],
    ['SmolLM2-135M in 16 bits, text', SMOL_HALF, generate(57), 643e6, undefined],
    ['SmolLM2-135M in 4 bits, text', SMOL_INT4, generate(57), 307e6, undefined],
    ['Qwen2.5-0.5B in 8 bits, lens', QWEN_INT8, see(4, 64), 523e6, undefined],
    ['Llama-3.2-1B in 8 bits, lens', LLAMA_INT8, see(4, 64), 1516e6, undefined],
    [
      'Llama-3.2-1B in 16 bits, lens',
      { ...LLAMA_INT8, storage: 'half' as const },
      see(4, 64),
      2280e6,
      undefined,
    ],
    [
      'Llama-3.2-1B in 4 bits, lens',
      { ...LLAMA_INT8, storage: 'int4' as const },
      see(4, 64),
      1095e6,
      undefined,
    ],
    ['Qwen2.5-0.5B in 8 bits, text', QWEN_INT8, generate(57), 1457e6, undefined],
    ['Qwen2.5-0.5B, a step of one sample', QWEN, distil(1), 2367e6, undefined],
    ['Qwen2.5-0.5B, a step of four', QWEN, distil(4), 3135e6, undefined],
  ])(
    '%s: what was measured is at most 1.15 times the estimate, and at least 0.8',
    (_, model, purpose, heap, page) => {
      const { parts, total } = estimateMemory(model, 'wasm', purpose);
      const inHeap = total - parts.engine;
      expect(heap / inHeap).toBeLessThan(1.15);
      expect(heap / inHeap).toBeGreaterThan(0.8);
      if (page === undefined) return;
      expect(page / total).toBeLessThan(1.15);
      expect(page / total).toBeGreaterThan(0.8);
    },
  );

  // By `bench:checkpoints:page -- models/base --tokens 12`: the renderer. Nearly all of it is the page and the runtime.
  it.each([
    ['states of four texts', see(4, 64), 403e6],
    ['a text, after them', generate(36), 426e6],
  ])('the bundled base, %s: at most 1.15 times the estimate, and at least 0.8', (_, purpose, page) => {
    const { total, parts } = estimateMemory(BASE, 'wasm', purpose);
    expect(page / total).toBeLessThan(1.15);
    expect(page / total).toBeGreaterThan(0.8);
    expect(parts.engine / total).toBeGreaterThan(0.95);
  });

  // By `bench:checkpoints:page --provider webgpu --texts 1 --span 6 --what states,text --tokens 2`: the renderer, and buffers of the GPU.
  it.each([
    ['SmolLM2-135M in 16 bits, one text', SMOL_HALF, see(1, 7), 888e6],
    ['SmolLM2-135M in 8 bits, one text', { ...SMOL, storage: 'int8' as const }, see(1, 7), 726e6],
    ['SmolLM2-135M in 16 bits, two tokens', SMOL_HALF, generate(8), 840e6],
    ['SmolLM2-135M in 4 bits, two tokens', SMOL_INT4, generate(8), 626e6],
  ])('%s on WebGPU: the same', (_, model, purpose, measured) => {
    const { total } = estimateMemory(model, 'webgpu', purpose);
    expect(measured / total).toBeLessThan(1.15);
    expect(measured / total).toBeGreaterThan(0.8);
  });

  // By `npm run bench:finetune -- FOLDER --alone --train lora --steps 1 --threads 1`: a text of which every token is predicted.
  it.each([
    ['20 million parameters, one sample', TWENTY, [1, 128], {}, 217e6],
    ['20 million, four', TWENTY, [4, 128], {}, 375e6],
    ['26 million, of them 8 in the vocabulary, one', TWENTY_SIX, [1, 128], {}, 382e6],
    ['26 million, four', TWENTY_SIX, [4, 128], {}, 660e6],
    ['26 million, four, by layers', TWENTY_SIX, [4, 128], { composition: 'layerwise' }, 281e6],
    ['26 million, four, all weights', TWENTY_SIX, [4, 128], { weights: true, rank: 0 }, 587e6],
    ['SmolLM2-135M, one', SMOL, [1, 64], {}, 1310e6],
    ['SmolLM2-135M, two', SMOL, [2, 64], {}, 1416e6],
  ] as const)(
    'a step of %s: what was measured is at most 1.15 times the estimate, and at least 0.8',
    (_, model, [sequences, tokens], changes, heap) => {
      const purpose = { kind: 'distil', sequences, tokens, rank: 8, ...changes } as const;
      const ratio = (heap - 17e6) / inHeap(estimateMemory(model, 'wasm', purpose));
      expect(ratio).toBeLessThan(1.15);
      expect(ratio).toBeGreaterThan(0.8);
    },
  );

  it.each([
    ['nocot', 1, 2639e6],
    ['lori', 2, 3068e6],
  ])(
    'a whole run of SmolLM2-135M, %s: what was measured is at most what is said with what is kept',
    (_, n, heap) => {
      const estimate = estimateMemory(SMOL, 'wasm', { ...distil(n), predicted: 10 } as Purpose);
      expect(heap / (inHeap(estimate) + estimate.kept)).toBeLessThan(1.1);
      expect(heap / (inHeap(estimate) + estimate.kept)).toBeGreaterThan(0.75);
      // Nothing is kept where there is no room.
      const large = estimateMemory(SMOL, 'wasm', distil(12));
      expect(large.fits).toBe(true);
      expect(inHeap(large) + large.kept).toBeLessThanOrEqual(large.available as number);
    },
  );

  // By `npm run bench:checkpoints -- FOLDER SmolLM2-135M --what sizes`: one request after another in one engine, so that
  // from the second on a program of another length is kept beside.
  it.each([
    [1, 4, 545e6],
    [1, 16, 1069e6],
    [1, 65, 1188e6],
    [2, 65, 1212e6],
    [4, 65, 1259e6],
    [4, 130, 1336e6],
    [8, 130, 1596e6],
  ])(
    'SmolLM2-135M, lens of %i × %i tokens after others: at most 1.15 times what is said',
    (texts, tokens, heap) => {
      const { parts, total, kept } = estimateMemory(SMOL, 'wasm', see(texts, tokens));
      const own = total - parts.engine;
      expect(heap / (own + kept)).toBeLessThan(1.15);
      // The first has nothing beside it.
      if (tokens === 4) expect(heap / own).toBeLessThan(1.15);
      else expect(heap / (own + kept)).toBeGreaterThan(0.75);
    },
  );

  it('of a larger model nothing is kept beside its one program, of a small one a few', () => {
    expect(estimateMemory(QWEN, 'wasm', see(1, 16)).kept).toBe(0);
    const small = {
      ...SMOL,
      parameters: 740_096,
      layers: 4,
      hidden: 128,
      intermediate: 384,
      vocabulary: 600,
    };
    const { kept, parts } = estimateMemory(small, 'wasm', see(1, 16));
    expect(parts.weights).toBeGreaterThan(2.5e6);
    expect(kept).toBe(3 * parts.weights);
  });

  it('on WASM ends with its four gigabytes', () => {
    expect(estimateMemory(QWEN, 'wasm', distil(4)).fits).toBe(true);
    expect(estimateMemory(QWEN, 'wasm', distil(16)).fits).toBe(false);
    // Its own weights with gradients, moments and a copy: 9.9 GB outside.
    expect(estimateMemory(QWEN, 'wasm', { ...distil(1), weights: true } as Purpose).fits).toBe(false);
    const whole = (n: number) => ({ ...distil(n), composition: 'whole' }) as Purpose;
    expect(whatFits(QWEN, 'wasm', whole(16))).toMatchObject({ sequences: expect.any(Number), tokens: 85 });
    const fits = whatFits(QWEN, 'wasm', whole(16))?.sequences as number;
    expect(fits).toBeGreaterThanOrEqual(4);
    expect(estimateMemory(QWEN, 'wasm', whole(fits)).fits).toBe(true);
    expect(estimateMemory(QWEN, 'wasm', whole(fits + 1)).fits).toBe(false);
    // A billion parameters take more than that, whatever is asked; on WebGPU the browser does not say what there is.
    expect(estimateMemory(LLAMA, 'wasm', see(1, 1)).fits).toBe(false);
    expect(estimateMemory(LLAMA, 'wasm', generate(1)).fits).toBe(false);
    expect(whatFits(LLAMA, 'wasm', generate(100))).toBeUndefined();
    expect(estimateMemory(LLAMA, 'webgpu', generate(100))).toMatchObject({
      fits: true,
      available: undefined,
    });
    expect(estimateMemory(LLAMA, 'webgpu', generate(100)).parts.weights).toBe(4 * LLAMA.parameters);
  });

  it('is the most exact storage with which a text can be read, and what a step takes of it', () => {
    const larger = [2, 5, 20].map((times) => ({
      ...LLAMA,
      layers: 16 * times,
      parameters: 262_668_288 + times * 973_146_112,
    }));
    expect([SMOL, QWEN, LLAMA, ...larger].map((model) => usualStorage(model, 'wasm'))).toEqual(
      // The last fits in none.
      ['f32', 'f32', 'half', 'int8', 'int4', 'int4'],
    );
    expect(usualStorage(LLAMA, 'webgpu')).toBe('f32');
    expect(estimateMemory(LLAMA_INT8, 'wasm', see(4, 64)).fits).toBe(true);
    expect(estimateMemory(LLAMA_INT8, 'wasm', generate(100)).fits).toBe(true);
    // A step by layers has them outside the heap, and on WebGPU the device has them once, whatever reads them.
    const byLayers: Purpose = { ...distil(2), composition: 'layerwise' } as Purpose;
    const host = (model: ModelSizes): number => estimateMemory(model, 'wasm', byLayers).parts.host;
    expect((host(QWEN) - host(QWEN_INT8)) / 358_000_000).toBeCloseTo(4 - 1.125, 1);
    expect(estimateMemory(QWEN_INT8, 'wasm', byLayers).parts.weights).toBeLessThan(
      estimateMemory(QWEN, 'wasm', byLayers).parts.weights,
    );
    const saved =
      estimateMemory(QWEN, 'wasm', distil(2)).total - estimateMemory(QWEN_INT8, 'wasm', distil(2)).total;
    expect(saved / (4 * 358_000_000)).toBeGreaterThan(0.7);
    // Llama-3.2-1B, weights alone.
    const onGpu = (storage: WeightStorage, purpose: Purpose): number =>
      estimateMemory({ ...LLAMA, storage }, 'webgpu', purpose).parts.weights / 1e9;
    const each = (purpose: Purpose) =>
      WEIGHT_STORAGES.map((storage) => Number(onGpu(storage, purpose).toFixed(2)));
    // Of the embedding rows are fed; the head is in 16 bits where the layers' matrices are not float32.
    expect(each(see(4, 64))).toEqual([3.89, 2.27, 1.16, 0.68]);
    for (const purpose of [generate(57), distil(2)]) expect(each(purpose)).toEqual([4.94, 2.83, 1.72, 1.23]);
    // Until something else is asked, that is.
    const { kept } = estimateMemory({ ...LLAMA, storage: 'half' }, 'webgpu', see(4, 64));
    expect(kept / 1e9).toBeCloseTo(2.83 - 2.27, 2);
    // It is slower, most of all where one token is read at a time.
    const slower = (purpose: Purpose): number =>
      (estimateMemory(QWEN_INT8, 'wasm', purpose).seconds as number) /
      (estimateMemory(QWEN, 'wasm', purpose).seconds as number);
    expect(slower(see(4, 64))).toBeGreaterThan(1);
    expect(slower(generate(100))).toBeGreaterThan(2);
  });

  it('of hidden states is that of the layers which are run, and of the states which are kept', () => {
    const upTo = (run: number, kept = run): Purpose => ({
      ...{ kind: 'see', sequences: 4, tokens: 64 },
      layers: { run, kept },
    });
    for (const provider of ['wasm', 'webgpu'] as const) {
      const estimate = (purpose: Purpose) => estimateMemory(QWEN, provider, purpose);
      expect(estimate(upTo(24))).toMatchObject({ ...estimate(see(4, 64)), purpose: upTo(24) });
      const [all, half, last] = [
        estimate(upTo(24)).parts,
        estimate(upTo(12)).parts,
        estimate(upTo(24, 1)).parts,
      ];
      // Of a large embedding rows are fed, so that the layers are all its weights.
      expect(half.weights / all.weights).toBeCloseTo(1 / 2, 6);
      const states = 2 * 4 * 4 * 64 * 896;
      expect(all.activations - half.activations).toBe(12 * states);
      expect(last.weights).toBe(all.weights);
      expect(all.activations - last.activations).toBe(23 * states);
    }
    const seconds = (purpose: Purpose) => estimateMemory(QWEN, 'wasm', purpose).seconds as number;
    expect(seconds(upTo(12)) / seconds(upTo(24))).toBeCloseTo(1 / 2, 6);
    // The weights of the other layers may be on the device since another request.
    const { kept } = estimateMemory(QWEN, 'webgpu', upTo(12));
    expect(kept - estimateMemory(QWEN, 'webgpu', upTo(24)).kept).toBeCloseTo(4 * 12 * 14_912_384, -6);
  });

  it('names the layers that would fit, unless it is not asked for fewer or none helps', () => {
    const n = layersThatFit(LLAMA, 'wasm', see(4, 64)) as number;
    expect(n).toBeGreaterThan(8);
    expect(n).toBeLessThan(16);
    const upTo = (run: number): Purpose => ({ ...see(4, 64), layers: { run, kept: run } }) as Purpose;
    expect([n, n + 1].map((run) => estimateMemory(LLAMA, 'wasm', upTo(run)).fits)).toEqual([true, false]);
    expect([firstLayers(n), firstLayers(1)]).toEqual([`layers 1 to ${n}`, 'layer 1']);
    expect(layersThatFit(LLAMA, 'wasm', generate(1))).toBeUndefined();
    expect(layersThatFit(LLAMA, 'wasm', distil(1000))).toBeUndefined();
    // Attention alone is too much.
    expect(layersThatFit(LLAMA, 'wasm', see(1, 4096))).toBeUndefined();
    // Where thoughts are made of final states, all layers are run: fewer save what is kept, and not the weights.
    const latents = (tokens: number): Purpose => ({
      ...{ kind: 'see', sequences: 1, tokens },
      layers: { run: 24, kept: 24, least: 24 },
    });
    expect(layersThatFit({ ...LLAMA, layers: 24 }, 'wasm', latents(64))).toBeUndefined();
    const most = whatFits(QWEN, 'wasm', latents(9000))?.tokens as number;
    const kept = layersThatFit(QWEN, 'wasm', latents(most + 100)) as number;
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThan(24);
  });

  it('shortens what is too long where one sequence is too much', () => {
    const long = see(2, 20_000);
    expect(estimateMemory(QWEN, 'wasm', long).fits).toBe(false);
    const { sequences, tokens } = whatFits(QWEN, 'wasm', long) as Purpose;
    expect(sequences).toBe(1);
    expect(estimateMemory(QWEN, 'wasm', see(1, tokens)).fits).toBe(true);
    expect(estimateMemory(QWEN, 'wasm', see(1, tokens + 1)).fits).toBe(false);
  });
});

describe('how a training step is run', () => {
  const step = (sequences: number): Extract<Purpose, { kind: 'distil' }> => ({
    kind: 'distil',
    ...{ sequences, tokens: 85, rank: 8 },
  });

  it('is one program where that fits, by layers where only that does', () => {
    expect(compositionFor(SMOL, 'wasm', step(1))).toBe('whole');
    expect(compositionFor(QWEN, 'wasm', step(1))).toBe('whole');
    expect(compositionFor(QWEN, 'wasm', step(16))).toBe('layerwise');
    expect(compositionFor(QWEN_INT8, 'wasm', step(8))).toBe('whole');
    expect(compositionFor(LLAMA, 'wasm', step(1))).toBe('layerwise');
    expect(compositionFor(SMOL, 'webgpu', step(1))).toBe('layerwise');
    const wide = { ...step(1), sequences: 4000 };
    expect(compositionFor(QWEN, 'wasm', wide)).toBeUndefined();
  });

  it('is what is said of it, and of what would fit in its place', () => {
    const kindOf = (model: ModelSizes, purpose: Purpose) =>
      (estimateAsRun(model, 'wasm', purpose).purpose as ReturnType<typeof step>).composition;
    expect(kindOf(QWEN, step(1))).toBe('whole');
    expect(kindOf(LLAMA, step(1))).toBe('layerwise');
    expect(estimateAsRun(LLAMA, 'wasm', step(1)).fits).toBe(true);
    // Neither fits: by layers takes least.
    expect(kindOf(QWEN, step(4000))).toBe('layerwise');
    expect(kindOf(QWEN, { ...step(16), composition: 'whole' })).toBe('whole');
    expect(estimateAsRun(QWEN, 'wasm', see(4, 64))).toEqual(estimateMemory(QWEN, 'wasm', see(4, 64)));
    // More at once than one program takes, and not one more.
    const most = whatFits(QWEN, 'wasm', step(4000)) as ReturnType<typeof step>;
    expect(most).toMatchObject({ tokens: 85 });
    expect(compositionFor(QWEN, 'wasm', most)).toBe('layerwise');
    expect(compositionFor(QWEN, 'wasm', { ...most, sequences: most.sequences + 1 })).toBeUndefined();
  });

  it('may fit with frozen weights in fewer bits, those that are trained do not', () => {
    // A billion and a half in float32 are more than a page has outside WebAssembly.
    const large = { ...LLAMA, layers: 32, parameters: 262_668_288 + 2 * 973_146_112 };
    expect(compositionFor(large, 'wasm', step(1))).toBeUndefined();
    expect(storageThatFits(large, 'wasm', step(1))).toBe('half');
    expect(compositionFor({ ...large, storage: 'half' }, 'wasm', step(1))).toBeDefined();
    expect(storageThatFits({ ...large, storage: 'int4' }, 'wasm', step(4000))).toBeUndefined();
    // One sample too many, which would fit if the two layers that a program is fed could be in fewer bits.
    const wide = { ...LLAMA, layers: 4, vocabulary: 1000, parameters: 2_048_000 + 240e6 };
    const most = whatFits(wide, 'wasm', { ...step(4000), weights: true })?.sequences as number;
    const one = { ...step(most + 1), weights: true };
    expect(compositionFor({ ...wide, storage: 'int4' }, 'wasm', one)).toBe('layerwise');
    expect(storageThatFits(wide, 'wasm', one)).toBeUndefined();
  });

  it('takes longer by layers, and with weights in 8 bits', () => {
    const whole = stepSeconds(SMOL, step(1));
    expect(stepSeconds(SMOL, { ...step(1), composition: 'layerwise' })).toBeGreaterThan(1.4 * whole);
    expect(stepSeconds({ ...SMOL, storage: 'int8' }, step(1))).toBeGreaterThan(whole);
    // Linear in samples and in tokens.
    expect(stepSeconds(SMOL, step(4))).toBeCloseTo(4 * whole, 9);
    expect(stepSeconds(SMOL, { ...step(1), tokens: 170 })).toBeCloseTo(2 * whole, 9);
  });
});
