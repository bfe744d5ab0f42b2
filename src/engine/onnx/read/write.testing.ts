/** Writes ONNX models as exporters do: values named by paths (or by names that tell nothing), shapes known only at run time. */
import { toF16 } from '../../base/half';
import { Message } from '../proto';

export type Dims = readonly (number | string)[];
type Attribute = number | string | { readonly float: number } | readonly number[];
export const F32 = 1;
export const U8 = 2;
export const I8 = 3;
export const I32 = 6;
export const I64 = 7;
export const BOOL = 9;
export const F16 = 10;

export interface ExportOptions {
  /** Values inside the graph are called v1, v2, … */
  readonly opaque?: boolean;
  /** Weights of at least this many bytes lie in model.onnx_data. */
  readonly externalFrom?: number;
}

export interface Export {
  readonly model: Uint8Array<ArrayBuffer>;
  /** model.onnx_data, if anything is in it. */
  readonly data: Uint8Array<ArrayBuffer> | undefined;
}

export class ExportWriter {
  private readonly graph = new Message();
  private readonly external: Uint8Array[] = [];
  private externalBytes = 0;
  private count = 0;
  private readonly made = new Set<string>();

  constructor(readonly options: ExportOptions = {}) {}

  /** A value's name: what it is called by most exporters, or a number. */
  name(path: string): string {
    return this.options.opaque ? `v${++this.count}` : `${path}_${++this.count}`;
  }

  input(name: string, element: number, dims: Dims): string {
    this.graph.message(11, value(name, element, dims));
    return name;
  }

  output(name: string, element: number, dims: Dims): void {
    this.graph.message(12, value(name, element, dims));
  }

  /** A node with one output; its name. */
  node(op: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    const out = this.name(`/${op}/output`);
    this.nodeTo(op, inputs, [out], attributes);
    return out;
  }

  nodeTo(
    op: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): void {
    const node = new Message();
    for (const x of inputs) node.string(1, x);
    for (const x of outputs) node.string(2, x);
    node.string(3, this.options.opaque ? '' : `node_${op}_${++this.count}`).string(4, op);
    for (const [name, a] of Object.entries(attributes)) node.message(5, attribute(name, a));
    this.graph.message(1, CONTRIB.has(op) ? node.string(7, 'com.microsoft') : node);
  }

  /** A weight, once per name. */
  weight(name: string, element: number, dims: readonly number[], make: () => ArrayBufferView): string {
    const own = this.options.opaque ? `w.${hash(name)}` : name;
    if (this.made.has(own)) return own;
    this.made.add(own);
    const values = make();
    const bytes = new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength);
    const tensor = new Message();
    for (const d of dims) tensor.integer(1, d);
    tensor.integer(2, element).string(8, own);
    if (bytes.length >= (this.options.externalFrom ?? Number.POSITIVE_INFINITY)) {
      const entries = { location: 'model.onnx_data', offset: this.externalBytes, length: bytes.length };
      for (const [k, v] of Object.entries(entries))
        tensor.message(13, new Message().string(1, k).string(2, String(v)));
      tensor.integer(14, 1);
      this.external.push(bytes);
      this.externalBytes += bytes.length;
    } else tensor.bytes(9, bytes);
    this.graph.message(5, tensor);
    return own;
  }

  floats(name: string, element: number, dims: readonly number[], make: () => Float32Array): string {
    return this.weight(name, element, dims, () => (element === F16 ? halves(make()) : make()));
  }

  ints(...values: number[]): string {
    return this.weight(`ints ${values}`, I64, [values.length], () => BigInt64Array.from(values, BigInt));
  }

  scalar(value: number, element = F32): string {
    return this.floats(`scalar ${value} ${element}`, element, [], () => Float32Array.of(value));
  }

  int(value: number): string {
    return this.weight(`int ${value}`, I64, [], () => BigInt64Array.of(BigInt(value)));
  }

  finish(): Export {
    const model = new Message()
      .integer(1, 8)
      .string(2, 'a test')
      .message(7, this.graph.string(2, 'main_graph'))
      .message(8, new Message().string(1, '').integer(2, 17))
      .message(8, new Message().string(1, 'com.microsoft').integer(2, 1))
      .finish();
    const data = new Uint8Array(this.externalBytes);
    let at = 0;
    for (const part of this.external) {
      data.set(part, at);
      at += part.length;
    }
    return { model, data: data.length > 0 ? data : undefined };
  }
}

const CONTRIB = new Set([
  'GroupQueryAttention',
  'MatMulNBits',
  'RotaryEmbedding',
  'SkipLayerNormalization',
  'SkipSimplifiedLayerNormalization',
]);

export const halves = (values: Float32Array): Uint16Array =>
  Uint16Array.from(new Uint32Array(values.slice().buffer), toF16);

function hash(text: string): string {
  let h = 7;
  for (const c of text) h = (h * 31 + (c.codePointAt(0) ?? 0)) % 2147483647;
  return h.toString(36);
}

function attribute(name: string, value: Attribute): Message {
  const out = new Message().string(1, name);
  if (typeof value === 'number') return out.integer(3, value).integer(20, 2);
  if (typeof value === 'string') return out.string(4, value).integer(20, 3);
  if ('float' in value) return out.float(2, value.float).integer(20, 1);
  for (const v of value) out.integer(8, v);
  return out.integer(20, 7);
}

function value(name: string, element: number, dims: Dims): Message {
  const shape = new Message();
  for (const d of dims)
    shape.message(1, typeof d === 'number' ? new Message().integer(1, d) : new Message().string(2, d));
  const tensor = new Message().integer(1, element).message(2, shape);
  return new Message().string(1, name).message(2, new Message().message(1, tensor));
}
