import { expect, it } from 'vitest';
import { readAhead } from './read-ahead';

/** Bytes that differ from each other, and what was read of them. */
function watched(size: number) {
  const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 37 + (i >> 8)) & 255);
  const reads: [number, number][] = [];
  const read = (from: number, to: number) => {
    reads.push([from, to]);
    return bytes.slice(from, to);
  };
  return { bytes, reads, read: readAhead(read, size, { ahead: 100, small: 10 }) };
}

it('serves what follows from one read, and gives the bytes of the file', () => {
  const { bytes, reads, read } = watched(1000);
  for (const [from, to] of [
    [3, 40],
    [40, 42],
    [42, 103],
    [103, 160],
    [160, 400],
    [960, 980],
    [980, 1000],
  ] as const)
    expect(read(from, to), `${from} to ${to}`).toEqual(bytes.slice(from, to));
  expect(reads).toEqual([
    [3, 103],
    [103, 203],
    [160, 400],
    [960, 1000],
  ]);
});

it('reads a few bytes alone, and keeps the window meanwhile', () => {
  const { bytes, reads, read } = watched(1000);
  for (const at of [500, 20, 700]) expect(read(at, at + 10)).toEqual(bytes.slice(at, at + 10));
  read(100, 150);
  read(800, 805);
  expect(read(150, 200)).toEqual(bytes.slice(150, 200));
  expect(reads.map(([from, to]) => to - from)).toEqual([10, 10, 10, 100, 5]);
});

it('stops where the file is not read in its order', () => {
  const { bytes, reads, read } = watched(1000);
  for (const from of [900, 500, 300, 700])
    expect(read(from, from + 20)).toEqual(bytes.slice(from, from + 20));
  expect(reads.map(([from, to]) => to - from)).toEqual([100, 20, 20, 20]);
});

it('does not hide that a file is shorter than it was', () => {
  const read = readAhead(() => {
    throw new Error('read 3 bytes, expected 100');
  }, 1000);
  expect(() => read(0, 70_000)).toThrow('read 3 bytes');
});
