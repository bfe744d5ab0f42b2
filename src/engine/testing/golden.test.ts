import { describe, expect, it } from 'vitest';
import { parseModelConfig } from '../checkpoint/config';
import { type GoldenName, readGolden, readGoldenModel } from './golden.testing';

const files: GoldenName[] = ['layer', 'step-llama', 'step-qwen2', 'adamw-llama', 'decode'];

describe('goldens', () => {
  it.each(files)('%s: every tensor decodes to its shape, finite, and none is all zero', (file) => {
    const golden = readGolden(file);
    expect(golden.names.length).toBeGreaterThan(50);
    for (const name of golden.names) {
      const { data } = golden.tensor(name);
      expect(data.length, name).toBeGreaterThan(0);
      expect(data.every(Number.isFinite), name).toBe(true);
      expect(
        data.some((x) => x !== 0),
        name,
      ).toBe(true);
    }
  });

  it.each(['llama', 'qwen2'] as const)('%s: the models are what the step says', (family) => {
    const { meta } = readGolden(`step-${family}`);
    for (const role of ['student', 'teacher'] as const) {
      const { config, bytes } = readGoldenModel(`${family}-${role}`);
      expect(config).toEqual(meta.config);
      expect(parseModelConfig(config).modelType).toBe(family);
      const header = Number(new DataView(bytes.buffer).getBigUint64(0, true));
      const names = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + header)));
      expect('lm_head.weight' in names).toBe(family === 'qwen2');
      expect(bytes.length).toBeGreaterThan(20_000);
    }
  });

  it.each(['llama', 'qwen2'] as const)('%s: the weighted terms add up to the total', (family) => {
    const golden = readGolden(`step-${family}`);
    for (const method of golden.meta.methods as string[]) {
      let sum = 0;
      for (const [name, { data }] of golden.under(`${method}.term.`)) {
        sum += golden.meta.run[name] * (data[0] as number);
        expect(golden.scalar(`${method}.weighted.${name}`) / (data[0] as number)).toBeCloseTo(
          golden.meta.run[name],
        );
      }
      expect(sum / golden.scalar(`${method}.total`)).toBeCloseTo(1, 12);
    }
  });

  it('refuses an unknown tensor', () => {
    expect(() => readGolden('layer').tensor('nothing')).toThrow('no tensor "nothing" in golden layer');
  });
});
