/**
 * Safetensors files, read strictly. Layout: header length N (u64, little-endian), N bytes of JSON `{name:
 * {dtype, shape, data_offsets: [begin, end]}, __metadata__?: {string: string}}`, then the tensors' bytes,
 * which must cover the rest of the file without gaps or overlaps. Everything else is a `FileError` that names
 * the tensor, what was found and what was expected. Names live in Maps: `__proto__` is a name like any other.
 */
import type { HostTensor } from '../base/dtype';
import { FileError } from '../base/errors';
import { type Shape, showShape } from '../base/shape';
import { elementsOf, type FloatDType } from './float';
import { isJsonObject, type JsonObject, own, parseJson, quote } from './json';
import { refuseOtherFormats } from './other-formats';
import type { ByteSource } from './source';

/** Element types a file may hold, by the name the file uses: [ours, bytes]. Only floats are turned into weights. */
const DTYPES = {
  F64: ['f64', 8],
  F32: ['f32', 4],
  F16: ['f16', 2],
  BF16: ['bf16', 2],
  I64: ['i64', 8],
  I32: ['i32', 4],
  I16: ['i16', 2],
  I8: ['i8', 1],
  U64: ['u64', 8],
  U32: ['u32', 4],
  U16: ['u16', 2],
  U8: ['u8', 1],
  BOOL: ['bool', 1],
  // Scales and other bookkeeping of quantised checkpoints.
  F8_E4M3: ['f8_e4m3', 1],
  F8_E5M2: ['f8_e5m2', 1],
} as const;

export type StoredDType = (typeof DTYPES)[keyof typeof DTYPES][0];

/** Name in the file → our name and width; then the reverse. */
const BY_FILE_NAME: ReadonlyMap<string, readonly [StoredDType, number]> = new Map(Object.entries(DTYPES));
export const STORED_DTYPES: ReadonlyMap<StoredDType, { readonly fileName: string; readonly bytes: number }> =
  new Map(Object.entries(DTYPES).map(([fileName, [dtype, bytes]]) => [dtype, { fileName, bytes }]));

/** Where a tensor is. `begin` and `end` count from the start of the file. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: StoredDType;
  readonly shape: Shape;
  readonly begin: number;
  readonly end: number;
}

/** A tensor's bytes as stored: row-major, little-endian, possibly unaligned. */
export interface StoredTensor {
  readonly name: string;
  readonly dtype: StoredDType;
  readonly shape: Shape;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface SafetensorsHeader {
  readonly metadata: ReadonlyMap<string, string>;
  /** In the order of the header. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
}

export const METADATA = '__metadata__';
export const MAX_HEADER_BYTES = 25 * 1024 * 1024;
const MAX_RANK = 8;
const OPEN_BRACE = 123;
const AGAIN = 'The file is damaged or incomplete: get it again and compare its SHA-256.';

/** Reads and checks only the header. `label` names the file in messages. Throws `FileError`. */
export async function readHeader(source: ByteSource, label = 'safetensors file'): Promise<SafetensorsHeader> {
  const length = headerLength(await source.read(0, Math.min(8, source.size)), source.size, label);
  return parseHeader(await source.read(8, length), 8 + length, source.size, label);
}

/** Reads one tensor's bytes. */
export async function readTensor(source: ByteSource, entry: TensorEntry): Promise<StoredTensor> {
  const { name, dtype, shape, begin, end } = entry;
  return { name, dtype, shape, bytes: await source.read(begin, end - begin) };
}

/** A stored f32, f16 or bf16 tensor in host memory, in its stored dtype. Throws `FileError` for others. */
export function toHost(tensor: StoredTensor): HostTensor {
  const { shape, bytes } = tensor;
  const dtype = checkFloat(tensor);
  return { dtype, shape, data: elementsOf(bytes, dtype) } as HostTensor;
}

/** The dtype of a tensor that can be a weight. Throws `FileError` for others. */
export function checkFloat({ name, dtype }: Pick<TensorEntry, 'name' | 'dtype'>): FloatDType {
  if (dtype === 'f32' || dtype === 'f16' || dtype === 'bf16') return dtype;
  throw new FileError(
    `tensor ${quote(name)}: dtype ${dtype} cannot be used as a weight; expected f32, f16 or bf16`,
    'Convert the checkpoint to f32, f16 or bf16; quantised checkpoints are not supported.',
  );
}

/** Length N of the header of a file that begins with these bytes. */
export function headerLength(bytes: Uint8Array<ArrayBuffer>, size: number, label: string): number {
  if (size < 8)
    throw new FileError(`${label}: ${size} bytes long, expected at least an 8-byte header length`, AGAIN);
  refuseOtherFormats(bytes, label);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw new FileError(
      `${label}: header length ${length}, expected at most ${MAX_HEADER_BYTES} bytes`,
      'This is not a safetensors file, or a damaged one: check which file was chosen.',
    );
  }
  const n = Number(length);
  if (8 + n > size)
    throw new FileError(`${label}: truncated: header needs ${8 + n} bytes, file has ${size}`, AGAIN);
  return n;
}

export function parseHeader(
  bytes: Uint8Array,
  dataStart: number,
  size: number,
  label: string,
): SafetensorsHeader {
  // The format requires it, and it tells a header from a renamed JSON file.
  if (bytes[0] !== OPEN_BRACE)
    throw new FileError(
      `${label}: the header begins with byte ${bytes[0] ?? 'none'}, expected "{" (${OPEN_BRACE})`,
      AGAIN,
    );
  const json = parseJson(bytes, `${label}: header`);
  if (!isJsonObject(json)) throw new FileError(`${label}: the header is not a JSON object`, AGAIN);
  let metadata = new Map<string, string>();
  const tensors = new Map<string, TensorEntry>();
  for (const [name, info] of Object.entries(json)) {
    if (name === METADATA) metadata = parseMetadata(info, label);
    else tensors.set(name, parseEntry(name, info, dataStart, size, `${label}: tensor ${quote(name)}`));
  }
  checkCover(tensors, dataStart, size, label);
  return { metadata, tensors };
}

function parseMetadata(info: unknown, label: string): Map<string, string> {
  if (!isJsonObject(info))
    throw new FileError(`${label}: ${METADATA} is ${quote(info)}, expected an object`, AGAIN);
  const metadata = new Map<string, string>();
  for (const [key, value] of Object.entries(info)) {
    if (typeof value !== 'string') {
      throw new FileError(
        `${label}: ${METADATA} entry ${quote(key)} is ${quote(value)}, expected a string`,
        AGAIN,
      );
    }
    metadata.set(key, value);
  }
  return metadata;
}

function parseEntry(
  name: string,
  info: unknown,
  dataStart: number,
  size: number,
  where: string,
): TensorEntry {
  if (!isJsonObject(info))
    throw new FileError(`${where}: entry is ${quote(info)}, expected an object`, AGAIN);
  for (const key of Object.keys(info)) {
    if (key !== 'dtype' && key !== 'shape' && key !== 'data_offsets') {
      throw new FileError(
        `${where}: unknown field ${quote(key)}, expected dtype, shape, data_offsets`,
        AGAIN,
      );
    }
  }
  const fileDType = own(info, 'dtype');
  const known = typeof fileDType === 'string' ? BY_FILE_NAME.get(fileDType) : undefined;
  if (known === undefined) {
    throw new FileError(
      `${where}: unknown dtype ${quote(fileDType)}; known: ${[...BY_FILE_NAME.keys()].join(', ')}`,
      'Convert the checkpoint to F32, F16 or BF16.',
    );
  }
  const shape = parseShape(own(info, 'shape'), where);
  const [begin, end] = parseOffsets(info, where);
  const need = shape.reduce((n, d) => n * d, known[1]);
  if (end - begin !== need) {
    throw new FileError(
      `${where}: data_offsets [${begin}, ${end}] hold ${end - begin} bytes, ${fileDType} ${showShape(shape)} needs ${need}`,
      AGAIN,
    );
  }
  if (dataStart + end > size) {
    throw new FileError(`${where}: truncated: ends at byte ${dataStart + end}, file has ${size}`, AGAIN);
  }
  return { name, dtype: known[0], shape, begin: dataStart + begin, end: dataStart + end };
}

/** A count: an integer of [0, 2^53), and not -0, which only a hand-made file holds. */
const isCount = (n: unknown): n is number =>
  Number.isSafeInteger(n) && !Object.is(n, -0) && (n as number) >= 0;

function parseShape(value: unknown, where: string): number[] {
  if (!Array.isArray(value) || value.length > MAX_RANK || !value.every(isCount)) {
    throw new FileError(
      `${where}: shape is ${quote(value)}, expected up to ${MAX_RANK} whole numbers from 0`,
      AGAIN,
    );
  }
  // Zeros are skipped, so that [2^52, 2^52, 0] cannot pass as an empty tensor; 8 bytes is the widest element.
  const extent = value.reduce<number>((n, d: number) => n * (d || 1), 8);
  if (extent > Number.MAX_SAFE_INTEGER) throw new FileError(`${where}: absurd shape ${quote(value)}`, AGAIN);
  return value.slice();
}

function parseOffsets(info: JsonObject, where: string): [number, number] {
  const value = own(info, 'data_offsets');
  if (Array.isArray(value) && value.length === 2) {
    const [begin, end] = value as [unknown, unknown];
    if (isCount(begin) && isCount(end) && begin <= end) return [begin, end];
  }
  throw new FileError(
    `${where}: data_offsets are ${quote(value)}, expected [begin, end] with 0 ≤ begin ≤ end`,
    AGAIN,
  );
}

/** The tensors must tile the data section: no overlap, no gap, nothing left over. */
function checkCover(
  tensors: ReadonlyMap<string, TensorEntry>,
  start: number,
  size: number,
  label: string,
): void {
  const sorted = [...tensors.values()].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = start;
  let previous: string | undefined;
  for (const { name, begin, end } of sorted) {
    if (begin !== covered) {
      const what =
        begin < covered
          ? `overlaps ${quote(previous)}`
          : `leaves a gap of ${begin - covered} bytes before it`;
      throw new FileError(
        `${label}: tensor ${quote(name)} ${what}: begins at byte ${begin}, expected ${covered}`,
        AGAIN,
      );
    }
    covered = end;
    previous = name;
  }
  if (covered !== size) {
    throw new FileError(
      `${label}: tensors end at byte ${covered}, file has ${size}: ${size - covered} left over`,
      AGAIN,
    );
  }
}
