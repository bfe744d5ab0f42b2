import { expect, it } from 'vitest';
import { FileError } from '../base/errors';
import golden from './npy.golden.json';
import { MAX_HEADER_BYTES } from './safetensors';
import { parseSafetensors } from './safetensors.testing';
import { npyHeader, safetensorsHeader } from './states-file';

const hex = (bytes: Uint8Array): string => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');

it.each(golden.heads)('writes the same .npy header as numpy for shape $shape', ({ shape, bytes }) => {
  expect(hex(npyHeader(shape))).toBe(bytes);
});

it('writes the same .npy file as numpy, to the byte', () => {
  const { shape, bytes } = golden.file;
  const values = Float32Array.from({ length: 24 }, (_, i) => i / 7);
  expect(hex(npyHeader(shape)) + hex(new Uint8Array(values.buffer))).toBe(bytes);
  expect(values[23]).toBe(golden.file.at_1_2_3);
});

it('round-trips tensors, shapes and metadata of a safetensors file', () => {
  const metadata = { model: 'a “model”', tokens: JSON.stringify([['漢', '\n']]) };
  const tensors = [
    { name: 'layers.2', shape: [2, 3] },
    { name: 'layers.10', shape: [1, 2] },
  ];
  const head = safetensorsHeader(tensors, metadata);
  expect(head.length % 8).toBe(0);
  const file = new Uint8Array(head.length + 32);
  file.set(head);
  file.set(new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6, -7, -8).buffer), head.length);
  const read = parseSafetensors(file.buffer);
  const valuesOf = (name: string) => new Float32Array(Uint8Array.from(read.get(name)?.bytes ?? []).buffer);
  expect([...read.keys()].sort()).toEqual(['layers.10', 'layers.2']);
  expect(read.get('layers.2')).toMatchObject({ dtype: 'f32', shape: [2, 3] });
  expect(valuesOf('layers.2')).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
  expect(valuesOf('layers.10')).toEqual(Float32Array.of(-7, -8));
  const json = JSON.parse(new TextDecoder().decode(head.subarray(8)));
  expect(json.__metadata__).toEqual(metadata);
  expect(() => safetensorsHeader(tensors, { text: 'x'.repeat(MAX_HEADER_BYTES) })).toThrow(FileError);
});
