import { describe, expect, it } from 'vitest';
import { FileError } from '../base/errors';
import { floatsOf } from '../base/half';
import { Rng } from '../base/rng';
import { encodeFloats } from './float';
import { MAX_HEADER_BYTES, readHeader, readTensor, type StoredTensor, toHost } from './safetensors';
import golden from './safetensors.golden.json';
import { parseSafetensors } from './safetensors.testing';
import { blobSource, memorySource } from './source';
import { type WritableTensor, writeSafetensors } from './write';

/** A file from header text and data, unchecked. */
function raw(header: string | Uint8Array, dataBytes: number, length?: bigint): ArrayBuffer {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const file = new Uint8Array(8 + json.length + dataBytes).fill(0xa5);
  new DataView(file.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  file.set(json, 8);
  return file.buffer;
}
const f32 = (name: string, shape: number[], values: number[]): WritableTensor => ({
  name,
  dtype: 'f32',
  shape,
  bytes: encodeFloats(new Float32Array(values), 'f32'),
});
const entry = (dtype: string, shape: string, offsets: string): string =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`;
const errorOf = (run: () => unknown): FileError => {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(FileError);
    return error as FileError;
  }
  throw new Error('accepted');
};

const valuesOf = (tensor: StoredTensor): Float32Array => floatsOf(toHost(tensor));

const goldenFile = Uint8Array.from(atob(golden.file), (c) => c.charCodeAt(0)).buffer;
const goldenTensors = new Map(golden.tensors.map((tensor) => [tensor.name, tensor]));

describe('the reference implementation (golden.py)', () => {
  it('writes what we read', () => {
    const tensors = parseSafetensors(goldenFile);
    expect([...tensors.keys()].sort()).toEqual([...goldenTensors.keys()].sort());
    for (const [name, { shape, data }] of goldenTensors) {
      expect(tensors.get(name)?.shape).toEqual(shape);
      expect([...valuesOf(tensors.get(name)!)]).toEqual(data);
    }
  });

  it('writes the same bytes as we do, whatever the order of tensors', () => {
    const tensors = [...goldenTensors].map(([name, { shape, data }]) => f32(name, shape, data));
    const metadata = new Map(Object.entries(golden.metadata));
    for (const order of [tensors, tensors.toReversed()]) {
      expect(writeSafetensors(order, metadata)).toEqual(new Uint8Array(goldenFile));
    }
  });
});

describe('reading by ranges', () => {
  it('reads the same tensors as from the whole file', async () => {
    for (const source of [memorySource(goldenFile), blobSource(new Blob([goldenFile]))]) {
      const header = await readHeader(source);
      expect(header.metadata).toEqual(new Map([['format', 'np']]));
      for (const [name, { data }] of goldenTensors) {
        expect([...valuesOf(await readTensor(source, header.tensors.get(name)!))]).toEqual(data);
      }
      await expect(source.read(source.size - 1, 2)).rejects.toThrow(FileError);
      await expect(source.read(-1, 2)).rejects.toThrow(FileError);
    }
  });

  it('rejects what the whole-file reader rejects', async () => {
    const file = raw(`{"x":${entry('F32', '[2]', '[0,4]')}}`, 4);
    await expect(readHeader(memorySource(file), 'a.safetensors')).rejects.toThrow(
      'a.safetensors: tensor "x": data_offsets [0, 4] hold 4 bytes, F32 [2] needs 8',
    );
    await expect(readHeader(memorySource(new ArrayBuffer(3)))).rejects.toThrow('3 bytes long');
  });
});

describe('writing', () => {
  it('aligns every tensor to its element and the header to 8 bytes', () => {
    const mixed: WritableTensor[] = [
      { name: 'b', dtype: 'u8', shape: [3], bytes: new Uint8Array([1, 2, 3]) },
      { name: 'h', dtype: 'bf16', shape: [1], bytes: encodeFloats(new Float32Array([0.5]), 'bf16') },
      { name: 'd', dtype: 'f64', shape: [1], bytes: new Uint8Array(8).fill(7) },
      f32('a', [1, 2], [1, -2]),
    ];
    const file = writeSafetensors(mixed);
    const tensors = parseSafetensors(file.buffer);
    expect([...tensors.keys()]).toEqual(['d', 'a', 'h', 'b']);
    for (const { bytes, dtype } of tensors.values()) {
      expect(bytes.byteOffset % { f64: 8, f32: 4, bf16: 2, u8: 1 }[dtype as 'f64']).toBe(0);
    }
    expect([...valuesOf(tensors.get('h')!)]).toEqual([0.5]);
    expect(errorOf(() => toHost(tensors.get('d')!)).message).toMatch(/"d": dtype f64 cannot be used/);
    expect(new DataView(file.buffer).getBigUint64(0, true) % 8n).toBe(0n);
  });

  it('refuses to write what could not be read back', () => {
    expect(errorOf(() => writeSafetensors([f32('x', [1], [1]), f32('x', [1], [2])])).message).toMatch(
      /"x": .*taken/,
    );
    expect(errorOf(() => writeSafetensors([f32('__metadata__', [1], [1])])).message).toMatch(/reserved/);
    expect(errorOf(() => writeSafetensors([f32('x', [3], [1])])).message).toMatch(
      /4 bytes given, f32 \[3\] needs 12/,
    );
  });

  it('accepts an empty list of tensors', () => {
    expect(parseSafetensors(writeSafetensors([]).buffer).size).toBe(0);
  });
});

describe('a hostile or damaged file', () => {
  const x = entry('F32', '[2]', '[0,8]');
  const cases: [string, ArrayBuffer, RegExp][] = [
    ['empty', new ArrayBuffer(0), /0 bytes long, expected at least/],
    ['seven bytes', new ArrayBuffer(7), /7 bytes long/],
    ['header length past the end', raw('{}', 0, 3n), /truncated: header needs 11 bytes, file has 10/],
    ['header over 25 MB', raw('{}', 0, BigInt(MAX_HEADER_BYTES + 1)), /expected at most 26214400/],
    ['header length of 2^64 - 1', raw('{}', 0, 2n ** 64n - 1n), /header length 18446744073709551615/],
    [
      'a web page',
      new TextEncoder().encode('<!doctype html><title>404</title>').buffer,
      /this is a web page \(HTML\)/,
    ],
    ['a Git LFS pointer', new TextEncoder().encode('version https://git-lfs').buffer, /Git LFS pointer/],
    ['a PyTorch file', new TextEncoder().encode('PK\x03\x04abcdefgh').buffer, /ZIP archive/],
    ['empty header', raw('', 0), /begins with byte none/],
    ['not JSON', raw('{"x":', 0), /not valid JSON/],
    ['byte order mark', raw('\ufeff{}', 0), /begins with byte 239/],
    ['not UTF-8', raw(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d]), 0), /not valid UTF-8/],
    ['a list', raw('[]', 0), /begins with byte 91/],
    ['null', raw('null', 0), /begins with byte 110/],
    ['deeply nested', raw(`{"x":${'['.repeat(2e5)}${']'.repeat(2e5)}}`, 0), /nested more than 64 levels/],
    [
      'nested shape',
      raw(`{"x":${entry('F32', `[${'['.repeat(2e4)}${']'.repeat(2e4)}]`, '[0,0]')}}`, 0),
      /nested more than 64 levels/,
    ],
    ['repeated name', raw(`{"x":${x},"x":${x}}`, 8), /key "x" appears twice/],
    ['name repeated by escape', raw(`{"x":${x},"\\u0078":${x}}`, 8), /key "x" appears twice/],
    [
      'repeated field',
      raw('{"x":{"dtype":"F32","dtype":"F16","shape":[2],"data_offsets":[0,8]}}', 8),
      /"dtype" appears twice/,
    ],
    ['entry not an object', raw('{"x":3}', 0), /tensor "x": entry is 3/],
    ['__proto__ as entry', raw(`{"__proto__":{"dtype":"F32"}}`, 0), /tensor "__proto__": shape is missing/],
    [
      'inherited fields',
      raw('{"x":{"__proto__":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}}', 4),
      /unknown field "__proto__"/,
    ],
    [
      'extra field',
      raw('{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"y":1}}', 8),
      /unknown field "y"/,
    ],
    ['unknown dtype', raw(`{"x":${entry('F7', '[8]', '[0,8]')}}`, 8), /unknown dtype "F7"; known: F64, F32/],
    [
      'dtype constructor',
      raw(`{"x":${entry('constructor', '[8]', '[0,8]')}}`, 8),
      /unknown dtype "constructor"/,
    ],
    ['dtype missing', raw('{"x":{"shape":[2],"data_offsets":[0,8]}}', 8), /unknown dtype missing/],
    ['shape missing', raw('{"x":{"dtype":"F32","data_offsets":[0,8]}}', 8), /shape is missing/],
    ['negative dimension', raw(`{"x":${entry('F32', '[-2]', '[0,8]')}}`, 8), /shape is \[-2\]/],
    ['two negative dimensions', raw(`{"x":${entry('F32', '[-1,-2]', '[0,8]')}}`, 8), /shape is \[-1, -2\]/],
    ['fraction', raw(`{"x":${entry('F32', '[0.5,4]', '[0,8]')}}`, 8), /shape is \[0\.5, 4\]/],
    ['NaN is not JSON', raw(`{"x":${entry('F32', '[NaN]', '[0,8]')}}`, 8), /not valid JSON/],
    ['null dimension', raw(`{"x":${entry('F32', '[null,2]', '[0,8]')}}`, 8), /shape is \[null, 2\]/],
    ['string dimension', raw(`{"x":${entry('F32', '["2"]', '[0,8]')}}`, 8), /shape is \["2"\]/],
    ['infinite dimension', raw(`{"x":${entry('F32', '[1e999]', '[0,8]')}}`, 8), /shape is \[Infinity\]/],
    ['dimension of 2^53', raw(`{"x":${entry('F32', '[9007199254740992]', '[0,8]')}}`, 8), /shape is/],
    [
      'product over 2^53',
      raw(`{"x":${entry('F32', '[4294967296,4294967296]', '[0,8]')}}`, 8),
      /absurd shape/,
    ],
    [
      'product hidden by a zero',
      raw(`{"x":${entry('F32', '[4294967296,4294967296,0]', '[0,0]')}}`, 0),
      /absurd shape/,
    ],
    ['rank 9', raw(`{"x":${entry('F32', '[1,1,1,1,1,1,1,1,2]', '[0,8]')}}`, 8), /up to 8 whole numbers/],
    ['offsets missing', raw('{"x":{"dtype":"F32","shape":[2]}}', 8), /data_offsets are missing/],
    ['three offsets', raw(`{"x":${entry('F32', '[2]', '[0,8,8]')}}`, 8), /data_offsets are \[0, 8, 8\]/],
    ['reversed offsets', raw(`{"x":${entry('F32', '[2]', '[8,0]')}}`, 8), /data_offsets are \[8, 0\]/],
    ['negative offset', raw(`{"x":${entry('F32', '[2]', '[-8,0]')}}`, 8), /data_offsets are \[-8, 0\]/],
    [
      'length and shape differ',
      raw(`{"x":${entry('F16', '[2]', '[0,8]')}}`, 8),
      /hold 8 bytes, F16 \[2\] needs 4/,
    ],
    ['out of range', raw(`{"x":${entry('F32', '[2]', '[4,12]')}}`, 8), /truncated: ends at byte/],
    ['hole at the start', raw(`{"x":${entry('F32', '[2]', '[4,12]')}}`, 12), /"x" leaves a gap of 4 bytes/],
    [
      'hole between',
      raw(`{"x":${x},"y":${entry('F32', '[1]', '[12,16]')}}`, 16),
      /"y" leaves a gap of 4 bytes/,
    ],
    [
      'overlap',
      raw(`{"x":${x},"y":${entry('F32', '[2]', '[4,12]')}}`, 12),
      /"y" overlaps "x": begins at byte/,
    ],
    ['the same bytes twice', raw(`{"x":${x},"y":${x}}`, 8), /"y" overlaps "x"/],
    ['bytes left over', raw(`{"x":${x}}`, 9), /1 left over/],
    ['metadata not an object', raw('{"__metadata__":[]}', 0), /__metadata__ is \[\]/],
    ['metadata value not a string', raw('{"__metadata__":{"a":1}}', 0), /entry "a" is 1/],
    ['name of a million letters', raw(`{"${'n'.repeat(1e6)}":3}`, 0), /^.{1,400}$/],
  ];
  it.each(cases)('%s', (_name, file, message) => {
    const error = errorOf(() => parseSafetensors(file));
    expect(error.message).toMatch(message);
    expect(error.hint).toBeTruthy();
    expect(({} as Record<string, unknown>).dtype).toBeUndefined();
  });

  it('is refused wherever it is truncated', () => {
    for (let length = 0; length < goldenFile.byteLength; length++) {
      errorOf(() => parseSafetensors(goldenFile.slice(0, length)));
    }
  });

  it('is either read or refused after random damage', () => {
    const rng = new Rng(11);
    let refused = 0;
    for (let n = 0; n < 4000; n++) {
      const bytes = new Uint8Array(goldenFile.slice(0));
      for (let k = rng.integer(1, 4); k > 0; k--) {
        // Mostly characters with a meaning in JSON, mostly in the header.
        const at = rng.integer(0, rng.uniform() < 0.9 ? 420 : bytes.length - 1);
        bytes[at] =
          rng.uniform() < 0.5 ? rng.integer(0, 255) : '{}[]",:0123456789-e\\'.charCodeAt(rng.integer(0, 19));
      }
      try {
        const tensors = parseSafetensors(bytes.buffer);
        const total = [...tensors.values()].reduce((sum, t) => sum + t.bytes.length, 0);
        expect(total).toBe(14 * 4); // it may rename a tensor; it may not invent or lose bytes
      } catch (error) {
        if (!(error instanceof FileError)) throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(2000);
  });
});
