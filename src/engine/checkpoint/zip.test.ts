import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync, crc32 as nodeCrc } from 'node:zlib';
import { afterAll, expect, it } from 'vitest';
import { blobSource, memorySource } from './source';
import { crc32, readEntry, readZip, writeZip, type ZipInput } from './zip';

const folder = mkdtempSync(join(tmpdir(), 'zip-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Whether this machine has a program. */
const has = (program: string): boolean => spawnSync(program, ['--help']).error === undefined;
const bytesOf = (n: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length: n }, (_, i) => (i * i + 7) % 251);
const FILES: [string, Uint8Array<ArrayBuffer>[]][] = [
  ['config.json', [new TextEncoder().encode('{"a": 1}')]],
  ['folder/größe.bin', [bytesOf(70_001), bytesOf(3), new Uint8Array()]],
  ['empty', []],
];
const inputs = (): ZipInput[] => FILES.map(([name, pieces]) => ({ name, pieces }));
const whole = (pieces: Uint8Array[]): number[] => pieces.flatMap((piece) => [...piece]);

it('reads back what it writes, entry by entry', async () => {
  const archive = await writeZip(inputs());
  const source = blobSource(archive);
  const entries = await readZip(source);
  expect([...entries.keys()]).toEqual(FILES.map(([name]) => name));
  for (const [name, pieces] of FILES)
    expect([...(await readEntry(source, entries.get(name)!, 1e6))]).toEqual(whole(pieces));
  // The same files give the same bytes.
  expect(await (await writeZip(inputs())).bytes()).toEqual(await archive.bytes());
});

it.skipIf(!has('unzip') || !has('python3'))('unzip and Python read it', async () => {
  const path = join(folder, 'a.zip');
  writeFileSync(path, await (await writeZip(inputs())).bytes());
  expect(execFileSync('unzip', ['-t', path], { encoding: 'utf8' })).toContain('No errors detected');
  const program =
    'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print([(i.filename, i.file_size, sum(z.read(i))) for i in z.infolist()])';
  const told = execFileSync('python3', ['-c', program, path], { encoding: 'utf8' });
  const expected = FILES.map(([name, pieces]) => {
    const all = whole(pieces);
    return `('${name}', ${all.length}, ${all.reduce((a, b) => a + b, 0)})`;
  });
  expect(told.trim()).toBe(`[${expected.join(', ')}]`);
});

it.skipIf(!has('python3'))(
  'reads what Python writes: deflated, with folders, comments and ZIP64 records',
  async () => {
    const path = join(folder, 'b.zip');
    const program = [
      'import sys, zipfile',
      'z = zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED)',
      'z.comment = b"PK\\x05\\x06 is not the end"',
      'z.writestr("folder/", "")',
      'z.writestr("folder/text", "many, " * 5000)',
      'with z.open("large", "w", force_zip64=True) as f: f.write(b"0123456789" * 1000)',
      'z.close()',
    ].join('\n');
    execFileSync('python3', ['-c', program, path]);
    const source = memorySource(new Uint8Array(readFileSync(path)).buffer);
    const entries = await readZip(source);
    expect([...entries.keys()]).toEqual(['folder/text', 'large']);
    const text = await readEntry(source, entries.get('folder/text')!, 1e6);
    expect(new TextDecoder().decode(text)).toBe('many, '.repeat(5000));
    expect((await readEntry(source, entries.get('large')!, 1e6)).length).toBe(10_000);
    await expect(readEntry(source, entries.get('large')!, 9999)).rejects.toThrow(
      /has 10000 bytes; at most 9999/,
    );
  },
);

it('refuses damage, naming it', async () => {
  const good = new Uint8Array(await (await writeZip(inputs())).arrayBuffer());
  const read = async (change: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>) => {
    const source = memorySource(change(good.slice()).slice().buffer);
    const entries = await readZip(source);
    for (const entry of entries.values()) await readEntry(source, entry, 1e6);
  };
  await expect(read((bytes) => bytes)).resolves.toBeUndefined();
  await expect(read((bytes) => bytes.subarray(0, 3))).rejects.toThrow(/no end of a ZIP archive/);
  await expect(read((bytes) => bytes.subarray(40))).rejects.toMatchObject({ code: 'file' });
  const flipped = (at: number) =>
    read((bytes) => bytes.with(at, (bytes[at] ?? 0) ^ 1) as Uint8Array<ArrayBuffer>);
  await expect(flipped(45)).rejects.toThrow(/"config.json" in the archive is damaged/);
  await expect(flipped(0)).rejects.toThrow(/"config.json" is not where the directory says/);
  // A zip bomb: the directory claims a smaller size than the real one.
  const bomb = deflateRawSync(Buffer.alloc(100_000));
  const archive = new Uint8Array(
    await (await writeZip([{ name: 'a', pieces: [new Uint8Array(bomb)] }])).arrayBuffer(),
  );
  const view = new DataView(archive.buffer);
  const central = archive.length - 22 - 47;
  view.setUint16(central + 10, 8, true);
  view.setUint32(central + 24, 500, true);
  const source = memorySource(archive.buffer);
  const [entry] = [...(await readZip(source)).values()];
  await expect(readEntry(source, entry!, 1e6)).rejects.toThrow(/cannot be unpacked \(more bytes than/);
});

it('computes CRC-32 like zlib', () => {
  const bytes = bytesOf(10_007);
  expect(crc32(bytes)).toBe(nodeCrc(bytes));
  expect(crc32(bytes.subarray(100), crc32(bytes.subarray(0, 100)))).toBe(nodeCrc(bytes));
});
