/**
 * Reads the protocol-buffer wire format from a file that may be larger than memory. A message is returned as a list of
 * fields; a large field is given by its position in the file only. Input is not trusted: a length that exceeds its message,
 * an unterminated varint and unknown wire types are refused.
 */
import { FileError } from '../../base/errors';

/** Random access to a file, as for the checkpoint reader. */
export interface Bytes {
  readonly size: number;
  /** Exactly `length` bytes from `offset`. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** Half-open range of bytes. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

export interface Field {
  readonly number: number;
  /** 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes. */
  readonly wire: number;
  /** Of a varint; 0 otherwise. */
  readonly value: number;
  /** The payload. */
  readonly from: number;
  readonly to: number;
  /** Where the field begins, its tag included. */
  readonly start: number;
}

const DAMAGED = 'The file is damaged, or is no ONNX model: get it from its source again.';
export const damaged = (message: string): FileError => new FileError(`the ONNX file ${message}`, DAMAGED);

/** A tag takes at most 5 bytes, a length or a value at most 10. */
const MAX_HEADER_LENGTH = 15;
/** Bytes read from the file at a time: few after a jump over a weight, more and more where reading goes on. */
const FIRST = 1 << 14;
const PIECE = 1 << 20;

/** [value, offset after it]. Ten bytes are a negative value, in two's complement of 64 bits; beyond 2^53 it is rounded. */
export function varint(bytes: Uint8Array, at: number): readonly [number, number] {
  let value = 0;
  let scale = 1;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) break;
    if (i === 9 && byte < 128) return [negative(bytes.subarray(at, at + 10)), at + 10];
    value += (byte & 127) * scale;
    scale *= 128;
    if (byte < 128) return [value, at + i + 1];
  }
  throw damaged('holds a number without an end');
}

const negative = (bytes: Uint8Array): number =>
  Number(
    BigInt.asIntN(
      64,
      bytes.reduceRight((all, byte) => (all << 7n) | BigInt(byte & 127), 0n),
    ),
  );

/**
 * The field that begins at `at` of the bytes; `offset` is their place in the file, `limit` (in the file) the end of the
 * message.
 */
function fieldAt(bytes: Uint8Array, at: number, offset: number, limit: number): Field {
  const start = offset + at;
  const [tag, body] = varint(bytes, at);
  const [number, wire] = [Math.floor(tag / 8), tag % 8];
  if (!(number > 0 && number < 2 ** 29)) throw damaged(`has the field number ${number} at byte ${start}`);
  let [value, from] = [0, offset + body];
  let length = wire === 1 ? 8 : wire === 5 ? 4 : 0;
  if (wire === 0 || wire === 2) {
    const [read, after] = varint(bytes, body);
    from = offset + after;
    if (wire === 0) value = read;
    else length = read;
  } else if (wire !== 1 && wire !== 5) throw damaged(`has the wire type ${wire} at byte ${start}`);
  if (!(length >= 0 && from + length <= limit))
    throw damaged(`has a field of ${length} bytes at byte ${start}, where ${limit - start} are left`);
  return { number, wire, value, from, to: from + length, start };
}

/** The fields of a message that is in memory; places are offsets in `bytes`. */
export function* fields(bytes: Uint8Array): Generator<Field> {
  for (let at = 0; at < bytes.length; ) {
    const field = fieldAt(bytes, at, 0, bytes.length);
    yield field;
    at = field.to;
  }
}

/** A file read in pieces, each while it is needed. */
export class Pieces {
  private held: Uint8Array<ArrayBuffer> = new Uint8Array();
  private offset = 0;

  constructor(
    private readonly source: Bytes,
    /** Called with the offset that is being read. */
    private readonly told?: (offset: number) => void,
  ) {}

  /** The bytes of a range, as a view where it is small. */
  async bytes({ from, to }: Range): Promise<Uint8Array<ArrayBuffer>> {
    if (to - from > PIECE) return this.source.read(from, to - from);
    await this.hold(from, to);
    return this.held.subarray(from - this.offset, to - this.offset);
  }

  /** The fields of a message anywhere in the file; payloads are not read. */
  async *fields({ from, to }: Range): AsyncGenerator<Field> {
    for (let at = from; at < to; ) {
      await this.hold(at, Math.min(to, at + MAX_HEADER_LENGTH));
      const end = Math.min(to - this.offset, this.held.length);
      const field = fieldAt(this.held.subarray(0, end), at - this.offset, this.offset, to);
      yield field;
      at = field.to;
    }
  }

  private async hold(from: number, to: number): Promise<void> {
    if (from >= this.offset && to <= this.offset + this.held.length) return;
    this.told?.(from);
    const goesOn = from >= this.offset && from <= this.offset + this.held.length;
    const length = Math.max(to - from, goesOn ? Math.min(PIECE, 2 * this.held.length) : FIRST, FIRST);
    this.offset = from;
    this.held = await this.source.read(from, Math.min(length, this.source.size - from));
  }
}
