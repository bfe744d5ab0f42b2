import { describe, expect, it } from 'vitest';
import type { HalfDType, HostTensor } from '../base/dtype';
import { ConfigError } from '../base/errors';
import { graphTensor } from '../base/half';
import { Rng } from '../base/rng';
import { normals, TINY_CONFIG, TINY_QWEN } from '../train/tiny.testing';
import type { DecoderConfig } from './config';
import { expectedTensors, namedWeights, packWeights } from './weights';
import { inHalves } from './weights.testing';

/** A checkpoint's tensors, each in the dtype that `dtypeOf` says. */
function tensorsOf(
  config: DecoderConfig,
  dtypeOf: (name: string) => 'f32' | HalfDType,
): Map<string, HostTensor> {
  const rng = new Rng(4);
  return new Map(
    expectedTensors(config).map(({ name, shape }): [string, HostTensor] => {
      const values = normals(
        rng,
        shape.reduce((n, d) => n * d, 1),
      );
      const dtype = dtypeOf(name);
      const host: HostTensor = { dtype: 'f32', shape, data: values };
      return [name, dtype === 'f32' ? host : inHalves(host, dtype)];
    }),
  );
}

const widenedMap = (tensors: ReadonlyMap<string, HostTensor>): Map<string, HostTensor> =>
  new Map([...tensors].map(([name, host]) => [name, graphTensor(host)]));

describe.each([
  ['llama', TINY_CONFIG],
  ['qwen2', TINY_QWEN],
] as const)('packed weights of %s', (_name, config) => {
  it.each(['f16', 'bf16'] as const)('stay %s, joined or not, and are what f32 would have been', (dtype) => {
    const tensors = tensorsOf(config, () => dtype);
    const packed = Object.entries(namedWeights(packWeights(config, tensors)));
    expect(packed.map(([, host]) => [host.dtype, host.data.constructor])).toEqual(
      packed.map(() => [dtype, Uint16Array]),
    );
    const wide = Object.entries(namedWeights(packWeights(config, widenedMap(tensors))));
    expect(packed.map(([name, host]) => [name, graphTensor(host)])).toEqual(wide);
    expect(new Set(wide.map(([, host]) => host.dtype))).toEqual(new Set(['f32']));
  });

  it('are f32 where joined parts differ in dtype, and only there', () => {
    const dtypes = { k_proj: 'f32', up_proj: 'f16' } as const;
    const tensors = tensorsOf(
      config,
      (name) => Object.entries(dtypes).find(([part]) => name.includes(part))?.[1] ?? 'bf16',
    );
    const { outer, layers } = packWeights(config, tensors);
    for (const layer of layers) {
      expect([layer.qkv?.dtype, layer.gateUp?.dtype]).toEqual(['f32', 'f32']);
      expect([layer.o?.dtype, layer.down?.dtype, layer.mlpNorm?.dtype]).toEqual(['bf16', 'bf16', 'bf16']);
    }
    expect(outer.embedding?.dtype).toBe('bf16');
    const wide = packWeights(config, widenedMap(tensors));
    expect(layers.map(({ qkv, gateUp }) => [qkv, gateUp])).toEqual(
      wide.layers.map(({ qkv, gateUp }) => [qkv, gateUp]),
    );
  });
});

it('names the tensor that is missing', () => {
  const tensors = tensorsOf(TINY_CONFIG, () => 'bf16');
  tensors.delete('model.layers.1.mlp.up_proj.weight');
  expect(() => packWeights(TINY_CONFIG, tensors)).toThrow(ConfigError);
  expect(() => packWeights(TINY_CONFIG, tensors)).toThrow('"model.layers.1.mlp.up_proj.weight"');
});
