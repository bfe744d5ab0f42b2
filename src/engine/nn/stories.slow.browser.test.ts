import { describe, expect, it } from 'vitest';
import { openDevice } from '../device/open-device';
import { createHalfUpload } from '../kernels/convert/convert';
import { wasmPaths } from '../runtime/assets';
import { createRuntime } from '../runtime/runtime';
import { greedy, hasStories, logitsOf, readStories } from './stories.testing';
import { widenedWeights } from './weights.testing';

describe.skipIf(!(await hasStories())).each(['wasm', 'webgpu'] as const)(
  'stories260K in the browser: %s',
  (provider) => {
    it('gives the reference logits within 1e-4 and 40 of 40 greedy tokens', async () => {
      const device = provider === 'webgpu' ? await openDevice() : undefined;
      const runtime = await createRuntime({ provider, device, wasmPaths });
      const { reference, ...stories } = await readStories();
      const V = stories.config.vocabSize;
      const model = await logitsOf(runtime, stories, 41);
      const all = await model.run(reference.ids);
      const row = all.subarray(reference.pos * V, (reference.pos + 1) * V);
      const differences = reference.logits_last.map((x, i) => Math.abs((row[i] as number) - x));
      console.log(provider, 'logits differ by at most', Math.max(...differences));
      expect(reference.logits_last.length).toBeGreaterThan(10);
      expect(Math.max(...differences)).toBeLessThan(1e-4);
      expect(await greedy(model, V, reference.ids.slice(0, 1), 40)).toEqual(reference.ids.slice(0, 41));
      model.dispose();
      await runtime.dispose();
      device?.destroy();
    });

    it.each(['f16', 'bf16'] as const)(
      'gives the same logits, to the bit, from %s as from f32 made of it before',
      async (dtype) => {
        const device = provider === 'webgpu' ? await openDevice() : undefined;
        const uploadHalves = device && (await createHalfUpload(device));
        const runtime = await createRuntime({ provider, device, uploadHalves, wasmPaths });
        const stories = await readStories(dtype);
        expect(stories.weights.layers[4]?.qkv?.dtype).toBe(dtype);
        const found: Float32Array[] = [];
        for (const form of [stories, { ...stories, weights: widenedWeights(stories.weights) }]) {
          const model = await logitsOf(runtime, form, 41);
          found.push(await model.run(stories.reference.ids));
          model.dispose();
        }
        const [half, wide] = found.map((x) => new Uint32Array(x.buffer, x.byteOffset, x.length));
        expect(half?.length).toBe(41 * stories.config.vocabSize);
        expect(half?.findIndex((bits, i) => bits !== wide?.[i])).toBe(-1);
        expect(found[0]?.some((x) => Math.abs(x) > 1)).toBe(true);
        await runtime.dispose();
        device?.destroy();
      },
    );
  },
);
