import { BlockedValues } from '../base/blocked-values';
import { blocksOf, multipleBytes } from '../base/blocks';
import type { BoundDType, GraphDType, HostData, HostTensor } from '../base/dtype';
import { DTYPE_BYTES } from '../base/dtype';
import { graphDType, isHalf, widenBytes } from '../base/half';
import {
  type BlockPart,
  type BoundBits,
  type BoundPart,
  inFloat16,
  type KeptForm,
  type MatrixPart,
} from '../base/kept';
import { type Shape, sizeOf } from '../base/shape';
import type { LateWeight } from './late-weight';
import { Message } from './proto';

export type { LateWeight };

/**
 * The newest opset for which both providers have kernels for every operation used here; and the one that blocks of
 * quantised weights need, which only WASM is given.
 */
const OPSET = { plain: 20, blocks: 21 } as const;
const IR_VERSION = { plain: 9, blocks: 10 } as const;
const ELEMENT: Readonly<Record<BoundDType | 'i64', number>> = {
  f32: 1,
  u8: 2,
  i32: 6,
  i64: 7,
  bool: 9,
  i4: 22,
};
/** ONNX Runtime's build for browsers has no bfloat16. */
const FLOAT16 = 10;
/** Of the multiples of blocks; those of 16 bits are two of 8. */
const MULTIPLES = { 4: ELEMENT.i4, 8: 3 } as const;

/**
 * What a matrix that is kept in parts consists of, by their names: `values` are float32, as they are. `zero`: what is zero among its multiples,
 * where they are not signed.
 */
export type KeptNames =
  | { readonly values: string }
  | { readonly halves: string }
  | { readonly multiples: string; readonly scales: string; readonly zero?: string }
  | { readonly high: string; readonly low: string; readonly scales: string; readonly zero?: string };

/** ONNX Runtime's own operators; all others are in the standard domain. */
const CONTRIB = new Set(['FusedMatMul', 'QuickGelu', 'RotaryEmbedding']);

/** Weights of at least this many bytes stay outside the model: ONNX Runtime asks for their values one by one. */
const EXTERNAL_BYTES = 4096;

/** A weight outside the model's bytes. */
export interface ExternalWeight {
  /** Where the model says that it is. */
  readonly path: string;
  /** Bytes as the graph uses it: f32 where it is stored in 16 bits. */
  readonly length: number;
  /** Reads the values and writes them to `out`, of that length, little-endian. */
  write(out: Uint8Array): void;
}

/** An integer is written as int, `{ float }` as float, a text as string, a list as ints. */
export type NodeAttributes = Readonly<
  Record<string, number | string | { readonly float: number } | readonly number[]>
>;

interface Node {
  readonly type: string;
  readonly inputs: readonly string[];
  readonly output: string;
  second?: string;
  readonly attributes: NodeAttributes;
}

/** Collects the parts of an ONNX ModelProto. Values are named by strings, and each is made once. */
export class ModelWriter {
  private readonly graph = new Message();
  private readonly nodes = new Map<string, Node>();
  /** Values of nodes that are outputs of the model: value → name of the output. */
  private readonly outputs = new Map<string, string>();
  private readonly shared = new Map<string, string>();
  private names = 0;
  private hasBlocks = false;

  /** @param keepsOutside whether large weights stay outside the model's bytes */
  constructor(private readonly keepsOutside = true) {}

  /** Weights that are not part of the model's bytes, in order. */
  readonly external: ExternalWeight[] = [];

  get nodeCount(): number {
    return this.nodes.size;
  }

  private fresh(): string {
    return `v${this.names++}`;
  }

  /** Adds a node with one output, or finds an equal one; returns the name of its value. */
  node(type: string, inputs: readonly string[], attributes: NodeAttributes = {}): string {
    const key = `${type}(${inputs.join(',')})${JSON.stringify(attributes)}`;
    const known = this.shared.get(key);
    if (known !== undefined) return known;
    const output = this.fresh();
    this.nodes.set(output, { type, inputs, output, attributes });
    this.shared.set(key, output);
    return output;
  }

  /** The second output of the node whose first output is `value`. */
  second(value: string): string {
    const node = this.nodes.get(value) as Node;
    node.second ??= this.fresh();
    return node.second;
  }

  /** A value known at build time. */
  initializer(dtype: GraphDType, shape: Shape, data: HostData): string {
    return this.tensor(ELEMENT[dtype], shape, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }

  /**
   * A weight, as f32 if it is stored in 16 bits. A large one is external, under `path`; the values of a small one are
   * part of the model, but not of its skeleton.
   */
  weight(host: LateWeight, path: string): string {
    const { shape } = host;
    const dtype = graphDType(host);
    const length = sizeOf(shape) * DTYPE_BYTES[dtype];
    return this.late(ELEMENT[dtype], shape, path, length, (out) => writeValues(host.read(), out));
  }

  /** A matrix [rows, columns] in that form. */
  kept(host: LateWeight, path: string, form: KeptForm): KeptNames {
    const [rows, columns] = host.shape as [number, number];
    if (form === 'halves') {
      const write = (out: Uint8Array): void => {
        const { data } = inFloat16(host.read(), path);
        out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      };
      return { halves: this.late(FLOAT16, host.shape, path, 2 * rows * columns, write) };
    }
    this.hasBlocks = true;
    const values = new BlockedValues(host, columns, form);
    const part = (element: number, shape: Shape, which: BlockPart, length: number): string => {
      const own = which === 'multiples' ? path : `${path}.${which}`;
      return this.late(element, shape, own, length, (out) => values.write(which, out));
    };
    // Asked for in this order, so that scales are made once, with the multiples.
    const scales = (): string => {
      const blocks = [rows, blocksOf(columns)];
      return part(ELEMENT.f32, blocks, 'scales', DTYPE_BYTES.f32 * sizeOf(blocks));
    };
    if (form === 16) {
      const byte = (which: 'high' | 'low'): string => part(MULTIPLES[8], host.shape, which, rows * columns);
      return { high: byte('high'), low: byte('low'), scales: scales() };
    }
    const bytes = multipleBytes(rows * columns, form);
    return { multiples: part(MULTIPLES[form], host.shape, 'multiples', bytes), scales: scales() };
  }

  /**
   * Declares the parts of a matrix, or of a piece of it, to be bound at run time: bytes are those above 128, since ONNX Runtime binds no
   * signed ones on a GPU.
   */
  bound(parts: readonly BoundPart[], bits: BoundBits, inputOf: (name: string) => string): KeptNames {
    this.hasBlocks ||= bits !== 32;
    const names: Partial<Record<MatrixPart, string>> = {};
    let zero: string | undefined;
    for (const { part, name, dtype, shape } of parts) {
      names[part] = inputOf(name);
      this.input(inputOf(name), dtype, shape);
      if (part === 'scales' && bits !== 4) zero = this.zeros(...shape);
    }
    return { ...(names as KeptNames), ...(zero !== undefined && { zero }) };
  }

  /** The zero point of every block. */
  private zeros(rows: number, blocks: number): string {
    const key = `zeros ${rows} ${blocks}`;
    const name =
      this.shared.get(key) ??
      this.tensor(ELEMENT.u8, [rows, blocks], new Uint8Array(rows * blocks).fill(128));
    this.shared.set(key, name);
    return name;
  }

  private late(
    element: number,
    shape: Shape,
    path: string,
    length: number,
    write: (out: Uint8Array) => void,
  ): string {
    if (length < EXTERNAL_BYTES || !this.keepsOutside)
      return this.initializerOf(element, shape, (tensor) => tensor.bytes(9, { length, write }));
    this.external.push({ path, length, write });
    return this.initializerOf(element, shape, (tensor) =>
      tensor
        .message(13, new Message().string(1, 'location').string(2, path))
        .message(13, new Message().string(1, 'length').string(2, String(length)))
        .integer(14, 1),
    );
  }

  /** A list of int64 (shapes, axes, pads); equal lists are one initializer. */
  integers(values: readonly number[]): string {
    const key = values.join(',');
    let name = this.shared.get(key);
    if (name === undefined) {
      const data = BigInt64Array.from(values, BigInt);
      name = this.tensor(ELEMENT.i64, [values.length], new Uint8Array(data.buffer));
      this.shared.set(key, name);
    }
    return name;
  }

  input(name: string, dtype: BoundDType | 'i64', shape: Shape): void {
    this.graph.message(11, valueInfo(name, ELEMENT[dtype], shape));
  }

  /** Outputs `value` under `name`. The node that computes it takes that name; anything else is copied. */
  output(name: string, value: string, dtype: GraphDType, shape: Shape): void {
    let own = value;
    while (!this.nodes.has(own) || this.outputs.has(own)) own = this.copy(own, dtype);
    this.outputs.set(own, name);
    this.graph.message(12, valueInfo(name, ELEMENT[dtype], shape));
  }

  /** WebGPU has no Identity of bool. */
  private copy(value: string, dtype: GraphDType): string {
    return dtype === 'bool' ? this.node('And', [value, value]) : this.node('Identity', [value]);
  }

  /** The whole model; nothing can be added after it. */
  finish(): Message {
    for (const node of this.nodes.values()) this.graph.message(1, this.write(node));
    const form = this.hasBlocks ? 'blocks' : 'plain';
    return new Message()
      .integer(1, IR_VERSION[form])
      .message(8, new Message().string(1, '').integer(2, OPSET[form]))
      .message(8, new Message().string(1, 'com.microsoft').integer(2, 1))
      .message(7, this.graph.string(2, 'program'));
  }

  private write({ type, inputs, output, second, attributes }: Node): Message {
    const node = new Message();
    for (const x of inputs) node.string(1, this.outputs.get(x) ?? x);
    node.string(2, this.outputs.get(output) ?? output);
    if (second !== undefined) node.string(2, second);
    node.string(4, type);
    for (const [name, value] of Object.entries(attributes)) node.message(5, attribute(name, value));
    return CONTRIB.has(type) ? node.string(7, 'com.microsoft') : node;
  }

  private tensor(element: number, shape: Shape, raw: Uint8Array): string {
    return this.initializerOf(element, shape, (tensor) => tensor.bytes(9, raw));
  }

  private initializerOf(element: number, shape: Shape, values: (tensor: Message) => Message): string {
    const name = this.fresh();
    const tensor = new Message();
    for (const d of shape) tensor.integer(1, d);
    this.graph.message(5, values(tensor.integer(2, element).string(8, name)));
    return name;
  }
}

function writeValues(host: HostTensor, out: Uint8Array): void {
  const { data } = host;
  if (isHalf(host)) widenBytes(host.data, host.dtype, out);
  else out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function attribute(name: string, value: NodeAttributes[string]): Message {
  const out = new Message().string(1, name);
  if (typeof value === 'number') return out.integer(3, value).integer(20, 2);
  if (typeof value === 'string') return out.string(4, value).integer(20, 3);
  if ('float' in value) return out.float(2, value.float).integer(20, 1);
  for (const v of value) out.integer(8, v);
  return out.integer(20, 7);
}

function valueInfo(name: string, element: number, shape: Shape): Message {
  const dims = new Message();
  for (const d of shape) dims.message(1, new Message().integer(1, d));
  const tensor = new Message().integer(1, element).message(2, dims);
  return new Message().string(1, name).message(2, new Message().message(1, tensor));
}
