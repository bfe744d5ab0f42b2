/**
 * ZIP archives: read strictly, entry by entry, and written without compression (weights hardly compress).
 * Layout: local headers, each followed by its data; the central directory; the end record, preceded with
 * ZIP64 by its larger form.
 */
import { FileError, throwIfCancelled } from '../base/errors';
import { quote } from './json';
import type { ByteSource } from './source';

/** A file in an archive. */
export interface ZipEntry {
  readonly name: string;
  /** 0: stored; 8: deflated. */
  readonly method: number;
  /** Bytes of the file, and of its data in the archive. */
  readonly size: number;
  readonly stored: number;
  /** Where its data begins in the archive. */
  readonly begin: number;
  readonly crc: number;
}

const AGAIN = 'The file is damaged or incomplete: get it again and compare its size.';
const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const END_BYTES = 22;
const MAX_COMMENT = 65535;
const MAX_DIRECTORY = 64 * 2 ** 20;
const MAX_ENTRIES = 100_000;

/**
 * The entries of an archive, by name. Folders are left out.
 * @throws FileError naming what is damaged, encrypted, or too large
 */
export async function readZip(source: ByteSource, label = 'archive'): Promise<ReadonlyMap<string, ZipEntry>> {
  const { count, offset, length } = await findDirectory(source, label);
  if (count > MAX_ENTRIES || length > MAX_DIRECTORY)
    throw new FileError(
      `${label}: ${count} files in a directory of ${length} bytes; at most ${MAX_ENTRIES} are read`,
      AGAIN,
    );
  if (offset + length > source.size)
    throw new FileError(
      `${label}: truncated: its directory ends at byte ${offset + length}, the file has ${source.size}`,
      AGAIN,
    );
  const bytes = await source.read(offset, length);
  const view = viewOf(bytes);
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    const { name, next, ...found } = centralEntry(view, bytes, at, `${label}: entry ${i + 1} of ${count}`);
    at = next;
    if (name.endsWith('/')) continue;
    if (entries.has(name)) throw new FileError(`${label}: ${quote(name)} occurs twice`, AGAIN);
    entries.set(name, {
      name,
      ...found,
      begin: await dataOf(source, found.header, found.stored, `${label}: ${quote(name)}`),
    });
  }
  return entries;
}

/** The bytes of an entry, checked against its CRC-32. @param max refuses larger ones @throws FileError */
export async function readEntry(
  source: ByteSource,
  entry: ZipEntry,
  max: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const { name, method, size, stored, begin, crc } = entry;
  if (size > max)
    throw new FileError(
      `${quote(name)} has ${size} bytes; at most ${max} are read`,
      'Choose a smaller file.',
    );
  const raw = await source.read(begin, stored);
  const bytes = method === 0 ? raw : await inflate(raw, size, name);
  if (bytes.length !== size || crc32(bytes) !== crc)
    throw new FileError(`${quote(name)} in the archive is damaged: its checksum does not match`, AGAIN);
  return bytes;
}

async function inflate(
  raw: Uint8Array<ArrayBuffer>,
  size: number,
  name: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const out = new Uint8Array(size);
  let at = 0;
  try {
    const stream = new Blob([raw]).stream().pipeThrough(new DecompressionStream('deflate-raw' as 'deflate'));
    const reader = stream.getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      // No more than the directory says is read: a small archive could inflate to terabytes.
      if (at + next.value.length > size) {
        await reader.cancel();
        throw new RangeError('more bytes than the directory says');
      }
      out.set(next.value, at);
      at += next.value.length;
    }
  } catch (cause) {
    throw new FileError(
      `${quote(name)} in the archive cannot be unpacked (${(cause as Error).message})`,
      AGAIN,
      { cause },
    );
  }
  return out.subarray(0, at);
}

interface Directory {
  readonly count: number;
  readonly offset: number;
  readonly length: number;
}

async function findDirectory(source: ByteSource, label: string): Promise<Directory> {
  const length = Math.min(source.size, END_BYTES + MAX_COMMENT);
  const from = source.size - length;
  const view = viewOf(await source.read(from, length));
  for (let at = length - END_BYTES; at >= 0; at--) {
    if (view.getUint32(at, true) !== END || at + END_BYTES + view.getUint16(at + 20, true) !== length)
      continue;
    const [count, size, offset] = [
      view.getUint16(at + 10, true),
      view.getUint32(at + 12, true),
      view.getUint32(at + 16, true),
    ];
    if (count !== 0xffff && size !== 0xffffffff && offset !== 0xffffffff)
      return { count, offset, length: size };
    return findDirectory64(source, from + at, label);
  }
  throw new FileError(`${label}: no end of a ZIP archive is found`, AGAIN);
}

async function findDirectory64(source: ByteSource, end: number, label: string): Promise<Directory> {
  const damaged = new FileError(`${label}: no end of a ZIP64 archive is found`, AGAIN);
  if (end < 20) throw damaged;
  const locator = viewOf(await source.read(end - 20, 20));
  if (locator.getUint32(0, true) !== LOCATOR_64) throw damaged;
  const at = large(locator, 8, label);
  if (at + 56 > source.size) throw damaged;
  const record = viewOf(await source.read(at, 56));
  if (record.getUint32(0, true) !== END_64) throw damaged;
  return {
    count: large(record, 32, label),
    length: large(record, 40, label),
    offset: large(record, 48, label),
  };
}

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function large(view: DataView, at: number, label: string): number {
  const value = view.getBigUint64(at, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new FileError(`${label}: absurd size ${value}`, AGAIN);
  return Number(value);
}

interface CentralEntry extends Omit<ZipEntry, 'begin'> {
  readonly header: number;
  readonly next: number;
}

function centralEntry(view: DataView, bytes: Uint8Array, at: number, label: string): CentralEntry {
  if (at + 46 > view.byteLength || view.getUint32(at, true) !== CENTRAL)
    throw new FileError(`${label} of the directory is damaged`, AGAIN);
  const [flags, method] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)];
  const lengths = [28, 30, 32].map((field) => view.getUint16(at + field, true)) as [number, number, number];
  const next = at + 46 + lengths[0] + lengths[1] + lengths[2];
  if (next > view.byteLength) throw new FileError(`${label} of the directory is damaged`, AGAIN);
  const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + lengths[0]));
  if ((flags & 1) !== 0)
    throw new FileError(`${label}, ${quote(name)}, is encrypted`, 'Unpack the archive yourself.');
  if (method !== 0 && method !== 8)
    throw new FileError(
      `${label}, ${quote(name)}, uses compression method ${method}; supported: stored, deflated`,
      'Unpack the archive yourself.',
    );
  const sizes = {
    size: view.getUint32(at + 24, true),
    stored: view.getUint32(at + 20, true),
    header: view.getUint32(at + 42, true),
  };
  const from = at + 46 + lengths[0];
  const wide = wideSizes(viewOf(bytes.subarray(from, from + lengths[1])), sizes, label);
  if (method === 0 && wide.size !== wide.stored)
    throw new FileError(`${label}, ${quote(name)}, has ${wide.size} bytes and ${wide.stored} stored`, AGAIN);
  return { name, method, crc: view.getUint32(at + 16, true), ...wide, next };
}

/** Sizes beyond 32 bits are in an extra field, in this order, each only if its 32-bit field is all ones. */
function wideSizes<T extends Readonly<Record<'size' | 'stored' | 'header', number>>>(
  extra: DataView,
  sizes: T,
  label: string,
): T {
  const wide = (['size', 'stored', 'header'] as const).filter((key) => sizes[key] === 0xffffffff);
  if (wide.length === 0) return sizes;
  for (let at = 0; at + 4 <= extra.byteLength; at += 4 + extra.getUint16(at + 2, true)) {
    if (extra.getUint16(at, true) !== 1 || at + 4 + 8 * wide.length > extra.byteLength) continue;
    return {
      ...sizes,
      ...Object.fromEntries(wide.map((key, i) => [key, large(extra, at + 4 + 8 * i, label)])),
    };
  }
  throw new FileError(`${label} of the directory lacks its size`, AGAIN);
}

/** Where the data begins after the local header at `header`. */
async function dataOf(source: ByteSource, header: number, stored: number, label: string): Promise<number> {
  if (header + 30 > source.size) throw new FileError(`${label} begins beyond the end of the file`, AGAIN);
  const view = viewOf(await source.read(header, 30));
  if (view.getUint32(0, true) !== LOCAL)
    throw new FileError(`${label} is not where the directory says`, AGAIN);
  const begin = header + 30 + view.getUint16(26, true) + view.getUint16(28, true);
  if (begin + stored > source.size)
    throw new FileError(`${label} ends at byte ${begin + stored}, the file has ${source.size}`, AGAIN);
  return begin;
}

// ---- Writing ----------------------------------------------------------------------------------------------------------

/** A file to be written; its pieces are produced one after another, and not kept. */
export interface ZipInput {
  readonly name: string;
  readonly pieces: Iterable<Uint8Array<ArrayBuffer>> | AsyncIterable<Uint8Array<ArrayBuffer>>;
}

/** Largest archive without ZIP64, which not every program supports. */
const MAX_ARCHIVE = 0xffffffff;
const UTF8 = 0x0800;
/** 1 January 1980: the same files give the same bytes. */
const DATE = 0x0021;

/**
 * The files as one archive, uncompressed, in their order. Pieces go into Blobs as they arrive, so that the
 * heap need not hold them. @throws FileError beyond 4 GiB, CancelledError
 */
export async function writeZip(files: Iterable<ZipInput>, signal?: AbortSignal): Promise<Blob> {
  const parts: BlobPart[] = [];
  const directory: Uint8Array<ArrayBuffer>[] = [];
  let offset = 0;
  for (const { name, pieces } of files) {
    const data: Blob[] = [];
    let [crc, size] = [0, 0];
    for await (const piece of pieces) {
      throwIfCancelled(signal, 'writing the archive');
      crc = crc32(piece, crc);
      size += piece.length;
      if (offset + size > MAX_ARCHIVE - 2 ** 20)
        throw new FileError(
          `the archive would be larger than 4 GiB with ${quote(name)}`,
          'Write the weights as f16 or bf16.',
        );
      data.push(new Blob([piece]));
    }
    const path = new TextEncoder().encode(name);
    const local = header(LOCAL, [20, UTF8, 0, 0, DATE], [crc, size, size], [path.length, 0], path);
    directory.push(
      header(CENTRAL, [20, 20, UTF8, 0, 0, DATE], [crc, size, size], [path.length, 0, 0, 0, 0], path, [
        0,
        offset,
      ]),
    );
    parts.push(local, ...data);
    offset += local.length + size;
  }
  const length = directory.reduce((n, entry) => n + entry.length, 0);
  const count = directory.length;
  const end = header(END, [0, 0, count, count], [length, offset], [0], new Uint8Array());
  return new Blob([...parts, ...directory, end], { type: 'application/zip' });
}

/** Signature, 16-bit fields, 32-bit fields, 16-bit fields, possibly 32-bit fields, text. */
function header(
  signature: number,
  first: readonly number[],
  words: readonly number[],
  second: readonly number[],
  text: Uint8Array,
  last: readonly number[] = [],
): Uint8Array<ArrayBuffer> {
  const length = 4 + 2 * first.length + 4 * words.length + 2 * second.length + 4 * last.length;
  const bytes = new Uint8Array(length + text.length);
  const view = new DataView(bytes.buffer);
  let at = 0;
  const put = (values: readonly number[], width: 2 | 4): void => {
    for (const value of values) {
      if (width === 2) view.setUint16(at, value, true);
      else view.setUint32(at, value, true);
      at += width;
    }
  };
  put([signature], 4);
  put(first, 2);
  put(words, 4);
  put(second, 2);
  put(last, 4);
  bytes.set(text, length);
  return bytes;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

/** CRC-32 of bytes, after those of `before`. */
export function crc32(bytes: Uint8Array, before = 0): number {
  let crc = ~before;
  for (let i = 0; i < bytes.length; i++)
    crc = (TABLE[(crc ^ (bytes[i] as number)) & 0xff] as number) ^ (crc >>> 8);
  return ~crc >>> 0;
}
