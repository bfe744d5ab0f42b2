/**
 * The wire format of protocol buffers, as far as ONNX needs it. A message is a list of byte ranges: small fields are
 * collected in one growing array, large ones (weights) are kept by reference and copied once, in `finish`.
 */
const LARGE = 4096;
const text = new TextEncoder();

/** Bytes that are produced only when the message is written. */
export interface LateBytes {
  readonly length: number;
  /** Fills all of `out`, of that length. */
  write(out: Uint8Array): void;
}

export class Message {
  private readonly parts: (Uint8Array | LateBytes)[] = [];
  private tail = new Uint8Array(64);
  private used = 0;
  /** Bytes of `parts`. */
  private before = 0;

  get length(): number {
    return this.before + this.used;
  }

  /** A non-negative integer field (int32, int64, enum); zero is written too. */
  integer(field: number, value: number): this {
    this.varint(field * 8);
    // Negative int64 values take ten bytes of two's complement.
    if (value < 0) this.bigVarint(BigInt.asUintN(64, BigInt(value)));
    else this.varint(value);
    return this;
  }

  float(field: number, value: number): this {
    this.varint(field * 8 + 5);
    this.reserve(4);
    new DataView(this.tail.buffer).setFloat32(this.used, value, true);
    this.used += 4;
    return this;
  }

  string(field: number, value: string): this {
    return this.bytes(field, text.encode(value));
  }

  bytes(field: number, value: Uint8Array | LateBytes): this {
    this.varint(field * 8 + 2);
    this.varint(value.length);
    this.append(value);
    return this;
  }

  message(field: number, child: Message): this {
    this.varint(field * 8 + 2);
    this.varint(child.length);
    for (const part of child.parts) this.append(part);
    this.append(child.tail.subarray(0, child.used));
    return this;
  }

  /** Fields that are already written. */
  raw(fields: Uint8Array): this {
    this.append(fields);
    return this;
  }

  /** The message with only the length in place of its late bytes. */
  skeleton(): Uint8Array<ArrayBuffer> {
    const kept = [...this.parts, this.tail.subarray(0, this.used)].filter(
      (part) => part instanceof Uint8Array,
    );
    const out = new Uint8Array(kept.reduce((n, part) => n + part.length, 0));
    let at = 0;
    for (const part of kept) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }

  finish(): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(this.length);
    let at = 0;
    for (const part of [...this.parts, this.tail.subarray(0, this.used)]) {
      if (part instanceof Uint8Array) out.set(part, at);
      else part.write(out.subarray(at, at + part.length));
      at += part.length;
    }
    return out;
  }

  /** The same bytes one after another; late ones are made when their turn comes, and not kept. */
  *pieces(): Generator<Uint8Array<ArrayBuffer>> {
    for (const part of [...this.parts, this.tail.subarray(0, this.used)]) {
      const piece = new Uint8Array(part.length);
      if (part instanceof Uint8Array) piece.set(part);
      else part.write(piece);
      yield piece;
    }
  }

  private varint(value: number): void {
    this.reserve(10);
    let v = value;
    while (v > 127) {
      this.tail[this.used++] = (v % 128) + 128;
      v = Math.floor(v / 128);
    }
    this.tail[this.used++] = v;
  }

  private bigVarint(value: bigint): void {
    this.reserve(10);
    let v = value;
    while (v > 127n) {
      this.tail[this.used++] = Number(v % 128n) + 128;
      v /= 128n;
    }
    this.tail[this.used++] = Number(v);
  }

  private append(value: Uint8Array | LateBytes): void {
    if (!(value instanceof Uint8Array) || value.length >= LARGE) {
      if (this.used > 0) this.parts.push(this.tail.subarray(0, this.used));
      this.parts.push(value);
      this.before += this.used + value.length;
      this.tail = new Uint8Array(64);
      this.used = 0;
      return;
    }
    this.reserve(value.length);
    this.tail.set(value, this.used);
    this.used += value.length;
  }

  private reserve(extra: number): void {
    if (this.used + extra <= this.tail.length) return;
    const grown = new Uint8Array(Math.max(2 * this.tail.length, this.used + extra));
    grown.set(this.tail.subarray(0, this.used));
    this.tail = grown;
  }
}
