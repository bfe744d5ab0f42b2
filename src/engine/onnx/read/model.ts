/**
 * An ONNX ModelProto as far as looking into it needs: nodes, inputs, outputs, and of every weight its name, type, shape and
 * place. Weights are never read here, so a file of 2 GB is read in as much memory as its graph takes.
 * Source: onnx.proto3 of the ONNX project.
 */
import { quote } from '../../../text/quote';
import { FileError } from '../../base/errors';
import { elementName } from './elements';
import { bytesOf, MAX_RANK, type OnnxTensor, packed, placeOf } from './places';
import { type Bytes, damaged, type Field, fields, Pieces, type Range } from './wire';

export interface OnnxNode {
  readonly op: string;
  /** `''` is the standard domain. */
  readonly domain: string;
  /** `''` stands for an input that was left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Attributes that are whole numbers. */
  readonly integers: Readonly<Record<string, number>>;
  /** Values of this graph that graphs inside the node (branches of an If) read. */
  readonly captured: readonly string[];
}

/** An input or output of the graph. */
export interface OnnxValue {
  readonly name: string;
  /** ONNX's number of the element type; 0 where the file does not tell. */
  readonly element: number;
  /** A number, or the name of a size that is only known when the model is run (`''` where it has none). */
  readonly dims: readonly (number | string)[];
}

export interface OnnxModel {
  readonly nodes: readonly OnnxNode[];
  /** Without the weights, which old files list among them. */
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly tensors: ReadonlyMap<string, OnnxTensor>;
  /** Everything of the model besides its graph, in ranges of the file. */
  readonly around: readonly Range[];
  /** The graph, in order: ranges of the file, and tensors that lie between them. */
  readonly parts: readonly (Range | OnnxTensor)[];
  readonly source: Bytes;
}

const MAX_NODES = 250_000;
const MAX_TENSORS = 250_000;
/** Values a node may read or make. */
const MAX_ENDS = 10_000;
const MAX_NAME = 4096;
/** Bytes of all names together. */
const MAX_NAMES = 2 ** 27;
/** A node (with the graphs in it) or a description larger than this is refused: real ones take some hundred bytes. */
const MAX_MESSAGE_BYTES = 2 ** 26;
/** Graphs inside graphs. */
const MAX_DEPTH = 8;
/** Where a tensor has at least as many bytes, it becomes a part of its own. */
const LARGE = 4096;

/**
 * Reads a model's graph. @param told called with the offset that is being read
 * @throws FileError naming what is damaged or not a model
 */
export async function readOnnxModel(source: Bytes, told?: (offset: number) => void): Promise<OnnxModel> {
  const pieces = new Pieces(source, told);
  const around: Range[] = [];
  let graph: Field | undefined;
  for await (const field of pieces.fields({ from: 0, to: source.size })) {
    if (field.number === 7 && field.wire === 2) {
      if (graph) throw damaged('holds two graphs');
      graph = field;
    } else add(around, { from: field.start, to: field.to });
  }
  if (!graph) throw damaged('contains no graph');
  return { ...(await new GraphReader(pieces).read(graph)), around, source };
}

class GraphReader {
  private readonly nodes: OnnxNode[] = [];
  private readonly inputs: OnnxValue[] = [];
  private readonly outputs: OnnxValue[] = [];
  private readonly tensors = new Map<string, OnnxTensor>();
  private readonly parts: (Range | OnnxTensor)[] = [];
  private names = 0;

  constructor(private readonly pieces: Pieces) {}

  async read(graph: Range): Promise<Omit<OnnxModel, 'around' | 'source'>> {
    for await (const field of this.pieces.fields(graph)) {
      const part = field.wire === 2 ? await this.field(field) : undefined;
      if (part) this.parts.push(part);
      else add(this.parts, { from: field.start, to: field.to });
    }
    const { nodes, outputs, tensors, parts } = this;
    return { nodes, inputs: this.inputs.filter(({ name }) => !tensors.has(name)), outputs, tensors, parts };
  }

  /** Returns a tensor that is large enough to be a part of its own. */
  private async field(field: Field): Promise<OnnxTensor | undefined> {
    if (field.number === 1) {
      if (this.nodes.length >= MAX_NODES) throw damaged(`has more than ${MAX_NODES} nodes`);
      this.nodes.push(this.node(await this.whole(field, 'node')));
    } else if (field.number === 11) this.inputs.push(this.value(await this.whole(field, 'input')));
    else if (field.number === 12) this.outputs.push(this.value(await this.whole(field, 'output')));
    else if (field.number === 5) return this.tensor(field);
    else if (field.number === 15) throw damaged('holds sparse weights, which no decoder export has');
    return undefined;
  }

  private async tensor(field: Field): Promise<OnnxTensor | undefined> {
    if (this.tensors.size >= MAX_TENSORS) throw damaged(`has more than ${MAX_TENSORS} weights`);
    const tensor = await this.tensorAt(field);
    if (this.tensors.has(tensor.name)) throw damaged(`holds the weight ${quote(tensor.name)} twice`);
    this.tensors.set(tensor.name, tensor);
    return tensor.data.in === 'file' && tensor.data.to - tensor.data.from >= LARGE ? tensor : undefined;
  }

  private async tensorAt(range: Range): Promise<OnnxTensor> {
    const dims: number[] = [];
    let [element, name] = [0, ''];
    let raw: Range | undefined;
    let elsewhere = false;
    const keys = new Map<string, string>();
    for await (const field of this.pieces.fields(range)) {
      if (field.number === 1) {
        if (field.wire === 0) dims.push(field.value);
        else dims.push(...packed(await this.whole(field, 'shape')));
        if (dims.length > MAX_RANK) throw damaged(`has a weight of more than ${MAX_RANK} dimensions`);
      } else if (field.number === 2) element = field.value;
      else if (field.number === 8) name = this.text(await this.whole(field, 'name'));
      else if (field.number === 9) raw = field;
      else if (field.number === 13) this.entry(await this.whole(field, 'entry'), keys);
      else if (field.number === 14) elsewhere = field.value === 1;
    }
    const shown = `the weight ${quote(name)}`;
    const bytes = bytesOf(shown, element, dims);
    if (elsewhere) return { name, element, dims, data: placeOf(shown, keys, bytes) };
    if (!raw) return { name, element, dims, data: { in: 'message' } };
    if (raw.to - raw.from !== bytes)
      throw damaged(
        `holds ${raw.to - raw.from} bytes for ${shown}, ${elementName(element)} [${dims}], which takes ${bytes}`,
      );
    return { name, element, dims, data: { in: 'file', from: raw.from, to: raw.to } };
  }

  private node(bytes: Uint8Array, depth = 0): OnnxNode {
    const inputs: string[] = [];
    const outputs: string[] = [];
    const captured: string[] = [];
    let [op, domain] = ['', ''];
    const integers: [string, number][] = [];
    for (const field of fields(bytes)) {
      if (field.wire !== 2) continue;
      const payload = bytes.subarray(field.from, field.to);
      if (field.number === 1) inputs.push(this.text(payload));
      else if (field.number === 2) outputs.push(this.text(payload));
      else if (field.number === 4) op = this.text(payload);
      else if (field.number === 7) domain = this.text(payload);
      else if (field.number === 5) captured.push(...this.attribute(payload, depth, integers));
      if (Math.max(inputs.length, outputs.length) > MAX_ENDS)
        throw damaged(`has a node with more than ${MAX_ENDS} inputs or outputs`);
    }
    return {
      op,
      domain: domain === 'ai.onnx' ? '' : domain,
      inputs,
      outputs,
      captured,
      integers: Object.fromEntries(integers),
    };
  }

  /** What the graphs in an attribute read from outside; a whole number is added to `integers`. */
  private attribute(bytes: Uint8Array, depth: number, integers: [string, number][]): readonly string[] {
    const captured: string[] = [];
    let name = '';
    for (const field of fields(bytes))
      if (field.number === 1) name = this.text(bytes.subarray(field.from, field.to));
      else if (field.number === 3 && field.wire === 0) integers.push([name, field.value]);
      else if (field.wire === 2 && (field.number === 6 || field.number === 11)) {
        if (depth >= MAX_DEPTH) throw damaged(`has graphs nested deeper than ${MAX_DEPTH}`);
        captured.push(...this.inner(bytes.subarray(field.from, field.to), depth + 1));
      }
    return captured;
  }

  private inner(bytes: Uint8Array, depth: number): Set<string> {
    const [read, made] = [new Set<string>(), new Set<string>()];
    for (const field of fields(bytes)) {
      if (field.number !== 1 || field.wire !== 2) continue;
      const { inputs, outputs, captured } = this.node(bytes.subarray(field.from, field.to), depth);
      for (const name of [...inputs, ...captured]) if (name !== '' && !made.has(name)) read.add(name);
      for (const name of outputs) made.add(name);
    }
    return read;
  }

  private value(bytes: Uint8Array): OnnxValue {
    let [name, element] = ['', 0];
    const dims: (number | string)[] = [];
    for (const field of fields(bytes)) {
      const payload = bytes.subarray(field.from, field.to);
      if (field.number === 1) name = this.text(payload);
      // TypeProto.tensor_type: element type and shape.
      else if (field.number === 2)
        for (const [at, inside] of nested(payload, 1)) {
          if (at.number === 1) element = at.value;
          else if (at.number === 2) for (const [, dim] of nested(inside, 1, true)) dims.push(this.dim(dim));
        }
    }
    if (dims.length > MAX_RANK) throw damaged(`has an input of more than ${MAX_RANK} dimensions`);
    return { name, element, dims };
  }

  private dim(bytes: Uint8Array): number | string {
    for (const field of fields(bytes)) {
      if (field.number === 1) return field.value;
      if (field.number === 2) return this.text(bytes.subarray(field.from, field.to));
    }
    return '';
  }

  private entry(bytes: Uint8Array, into: Map<string, string>): void {
    let [key, value] = ['', ''];
    for (const field of fields(bytes)) {
      const payload = bytes.subarray(field.from, field.to);
      if (field.number === 1) key = this.text(payload);
      else if (field.number === 2) value = this.text(payload);
    }
    into.set(key, value);
  }

  private async whole(field: Field, what: string): Promise<Uint8Array> {
    if (field.to - field.from > MAX_MESSAGE_BYTES)
      throw new FileError(
        `the ONNX file has a ${what} of ${field.to - field.from} bytes at byte ${field.start}; at most ${MAX_MESSAGE_BYTES} are read`,
        'Choose an export with one plain graph: model.onnx rather than decoder_model_merged.onnx.',
      );
    return this.pieces.bytes(field);
  }

  private text(bytes: Uint8Array): string {
    this.names += bytes.length;
    if (bytes.length > MAX_NAME) throw damaged(`has a name of ${bytes.length} bytes`);
    if (this.names > MAX_NAMES) throw damaged(`has more than ${MAX_NAMES} bytes of names`);
    return decoder.decode(bytes);
  }
}

const decoder = new TextDecoder();

/** Appends a range; neighbours become one. */
function add(parts: (Range | OnnxTensor)[], { from, to }: Range): void {
  const last = parts.at(-1);
  if (last && 'to' in last && last.to === from) parts[parts.length - 1] = { from: last.from, to };
  else parts.push({ from, to });
}

/** The messages in the fields `number` of a message: their fields, or themselves. */
function* nested(bytes: Uint8Array, number: number, itself = false): Generator<[Field, Uint8Array]> {
  for (const field of fields(bytes)) {
    if (field.number !== number || field.wire !== 2) continue;
    const inside = bytes.subarray(field.from, field.to);
    if (itself) yield [field, inside];
    else for (const at of fields(inside)) yield [at, inside.subarray(at.from, at.to)];
  }
}
