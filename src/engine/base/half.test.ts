import { describe, expect, it } from 'vitest';
import type { HostTensor } from './dtype';
import { floatsOf, graphDType, graphTensor, isHalf, widenBytes, widened } from './half';

const bitsOf = (values: Float32Array): number[] => [
  ...new Uint32Array(values.buffer, values.byteOffset, values.length),
];
/** 1, −0, the smallest subnormal, −∞, a NaN with a payload. */
const STORED = {
  f16: [0x3c00, 0x8000, 0x0001, 0xfc00, 0x7d01],
  bf16: [0x3f80, 0x8000, 0x0001, 0xff80, 0x7fa1],
} as const;
const BITS = {
  f16: [0x3f800000, 0x80000000, 0x33800000, 0xff800000, 0x7fa02000],
  bf16: [0x3f800000, 0x80000000, 0x00010000, 0xff800000, 0x7fa10000],
} as const;

describe.each(['f16', 'bf16'] as const)('a host tensor of %s', (dtype) => {
  const data = Uint16Array.from(STORED[dtype]);
  const host: HostTensor = { dtype, shape: [5, 1], data };

  it('is widened on bits: signs, subnormals, infinities and payloads of NaN stay', () => {
    expect(bitsOf(widened(data, dtype))).toEqual([...BITS[dtype]]);
    const graph = graphTensor(host);
    expect([graph.dtype, graph.shape, bitsOf(graph.data as Float32Array)]).toEqual([
      'f32',
      [5, 1],
      [...BITS[dtype]],
    ]);
  });

  it('is written as bytes at any alignment, in whole and broken chunks, and no further', () => {
    for (const length of [0, 1, 5, 8191, 8192, 8193, 20000]) {
      const halves = Uint16Array.from({ length }, (_, i) => 40503 * i);
      const out = new Uint8Array(4 * length + 9).fill(0xa5);
      widenBytes(halves, dtype, out.subarray(3, 3 + 4 * length));
      expect(out.slice(3, 3 + 4 * length)).toEqual(new Uint8Array(widened(halves, dtype).buffer));
      expect([...out.subarray(0, 3), ...out.subarray(3 + 4 * length)]).toEqual(Array(9).fill(0xa5));
    }
  });

  it('gives the elements asked for, and only those are converted', () => {
    const some = floatsOf(host, 1, 4);
    expect(bitsOf(some)).toEqual(BITS[dtype].slice(1, 4));
    expect(some.buffer.byteLength).toBe(12);
    expect(bitsOf(floatsOf(host))).toEqual([...BITS[dtype]]);
    expect([isHalf(host), graphDType(host)]).toEqual([true, 'f32']);
  });
});

it('a tensor of f32, i32 or bool is the graph’s as it is', () => {
  const f32 = { dtype: 'f32', shape: [3], data: new Float32Array([1, NaN, -0]) } as const;
  const i32 = { dtype: 'i32', shape: [1], data: new Int32Array([7]) } as const;
  const bool = { dtype: 'bool', shape: [1], data: new Uint8Array([1]) } as const;
  for (const host of [f32, i32, bool]) {
    expect(graphTensor(host)).toBe(host);
    expect([isHalf(host), graphDType(host)]).toEqual([false, host.dtype]);
  }
  expect(floatsOf(f32, 1, 3).buffer).toBe(f32.data.buffer);
  expect(floatsOf(f32, 1, 3)).toEqual(new Float32Array([NaN, -0]));
});
