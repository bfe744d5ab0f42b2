import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DeviceBuffer } from '../../device/buffer';
import { TestBench } from '../shared/gpu.testing';
import { type ConvertKernel, createConvert, uploadConverted } from './convert';
import { type Conversion, convertCpu, convertedBytes } from './convert.cpu';
import golden from './convert.golden.json';
import { allHalves, unpackWords } from './convert.testing';

let bench: TestBench;
let kernel: ConvertKernel;
beforeAll(async () => {
  bench = await TestBench.open();
  kernel = await createConvert(bench.device);
});
afterAll(() => bench.close());

const CONVERSIONS = ['bf16 to f32', 'bf16 to f16', 'f16 to f32'] as const;

/** Bits of the result; what lies behind it must stay as it was. */
async function run(words: Uint32Array, count: number, conversion: Conversion) {
  const bytes = convertedBytes(conversion, count);
  const made: DeviceBuffer[] = [];
  try {
    // The file's bytes, an odd half at the end included.
    const from = bench.device.upload(new Uint8Array(words.buffer, words.byteOffset, 2 * count), 'raw');
    made.push(from);
    const to = bench.device.upload(new Uint32Array(bytes / 4 + 4).fill(0xabadcafe), 'converted');
    made.push(to);
    bench.run((batch) => kernel(batch, from, to, count, conversion));
    const got = new Uint32Array(await bench.device.read(to));
    expect([...got.subarray(bytes / 4)]).toEqual(Array(4).fill(0xabadcafe));
    return got.subarray(0, bytes / 4);
  } finally {
    for (const buffer of made) buffer.destroy();
  }
}

describe('conversion on the GPU', () => {
  for (const c of golden.cases) {
    it(`gives the bits that numpy and torch give, ${c.conversion}`, async () => {
      const got = await run(unpackWords(c.words), c.count, c.conversion as Conversion);
      expect([...got]).toEqual([...unpackWords(c.out)]);
    });
  }

  for (const conversion of CONVERSIONS) {
    it(`gives the twin's bits for all 65536 patterns, ${conversion}, and repeats`, async () => {
      const want = convertCpu(allHalves(), 65536, conversion);
      const got = await run(allHalves(), 65536, conversion);
      expect(got.findIndex((bits, i) => bits !== want[i])).toBe(-1);
      expect(await run(allHalves(), 65536, conversion)).toEqual(got);
    });

    it(`takes odd counts and counts around a workgroup, ${conversion}`, async () => {
      for (const count of [1, 2, 3, 511, 512, 513, 1025]) {
        const words = allHalves().subarray(15000, 15000 + Math.ceil(count / 2));
        expect([...(await run(words, count, conversion))]).toEqual([...convertCpu(words, count, conversion)]);
      }
    });
  }

  it('uploads the raw bytes and leaves one buffer, the converted one', async () => {
    const bytes = new Uint8Array(allHalves().buffer, 2 * 16000, 2 * 77);
    const before = bench.device.liveBuffers;
    const made = uploadConverted(bench.device, kernel, bytes, 77, 'bf16 to f32', 'weights');
    expect(bench.device.liveBuffers).toBe(before + 1);
    const want = convertCpu(allHalves().subarray(8000), 77, 'bf16 to f32');
    expect([...new Uint32Array(await bench.device.read(made))]).toEqual([...want]);
    made.destroy();
    const tooMany = () => uploadConverted(bench.device, kernel, bytes, 78, 'bf16 to f32', 'weights');
    expect(tooMany).toThrow(/154 bytes, expected 156/);
    expect(bench.device.liveBuffers).toBe(before);
  });

  it('refuses buffers that are too small', async () => {
    const small = bench.output(4);
    const call = (count: number) => bench.run((b) => kernel(b, small, small, count, 'bf16 to f32'));
    expect(() => call(9)).toThrow(/buffer from has 16 bytes, expected 18 for 9 values/);
    expect(() => call(5)).toThrow(/buffer to has 16 bytes, expected 20 for 5 values/);
  });
});
