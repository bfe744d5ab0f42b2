import type { GraphDType, HostData } from '../base/dtype';
import { GradientError, ShapeError } from '../base/errors';
import { type Shape, showShape } from '../base/shape';
import { type Attributes, type OpKind, SHAPE_RULES } from './shape-rules';

/**
 * One value of a graph: the operation that computes it and its static shape. Every operation has one output.
 * Nodes are made by the functions in `ops.ts`, immutable, and shared: building the same expression twice gives the
 * same node (common-subexpression elimination by hash-consing).
 */
export interface Tensor {
  readonly graph: Graph;
  readonly id: number;
  readonly op: OpKind;
  readonly inputs: readonly Tensor[];
  readonly attributes: Attributes;
  readonly dtype: GraphDType;
  readonly shape: Shape;
  /** Where the caller was (`question/layer 3/attention`); shown in errors. */
  readonly label: string;
  /** Name of an `input`; empty otherwise. */
  readonly name: string;
  /** Value of a `constant`; undefined otherwise. */
  readonly data: HostData | undefined;
}

/** Cotangent of a value → cotangents of the values it was computed from. */
export type CustomVjp = (dy: Tensor) => readonly Tensor[];

/** A graph under construction: nodes in topological order, by construction. */
export class Graph {
  readonly nodes: Tensor[] = [];
  /** Of every `withGradient`. */
  readonly vjps = new Map<Tensor, CustomVjp>();
  private readonly known = new Map<string, Tensor>();
  private readonly inputNames = new Map<string, Tensor>();
  private readonly scopes: string[] = [];

  /** Runs `build` and adds `label` to the label of every node it makes. */
  scope<T>(label: string, build: () => T): T {
    this.scopes.push(label);
    try {
      return build();
    } finally {
      this.scopes.pop();
    }
  }

  get label(): string {
    return this.scopes.join('/');
  }

  /** A value bound at run time. Throws ShapeError on a second, different input with the same name. */
  input(name: string, shape: Shape, dtype: GraphDType = 'f32'): Tensor {
    if (!shape.every((d) => Number.isInteger(d) && d > 0))
      throw new ShapeError(
        `input "${name}" has shape ${showShape(shape)}; every dimension must be a positive integer`,
      );
    const before = this.inputNames.get(name);
    if (before) {
      if (before.dtype === dtype && showShape(before.shape) === showShape(shape)) return before;
      throw new ShapeError(
        `input "${name}" declared as ${dtype} ${showShape(shape)}, but it is ${before.dtype} ${showShape(before.shape)}`,
      );
    }
    const tensor = this.add('input', [], {}, dtype, shape, { name });
    this.inputNames.set(name, tensor);
    return tensor;
  }

  /** A value known at build time. Small equal constants are one node. */
  constant(data: HostData, shape: Shape, dtype: GraphDType = 'f32'): Tensor {
    const size = shape.reduce((n, d) => n * d, 1);
    if (data.length !== size)
      throw new ShapeError(
        `constant of ${data.length} values given shape ${showShape(shape)} (${size}) ${this.at()}`,
      );
    const key = data.length <= 64 ? `constant ${dtype} ${showShape(shape)} ${exactKey(data)}` : undefined;
    const before = key === undefined ? undefined : this.known.get(key);
    if (before) return before;
    const tensor = this.add('constant', [], {}, dtype, shape, { data });
    if (key !== undefined) this.known.set(key, tensor);
    return tensor;
  }

  scalar(value: number): Tensor {
    return this.constant(new Float32Array([value]), []);
  }

  /** Makes (or finds) the node of an operation; throws ShapeError if its rule rejects the operands. */
  apply(op: OpKind, inputs: readonly Tensor[], attributes: Attributes = {}): Tensor {
    for (const x of inputs)
      if (x.graph !== this)
        throw new GradientError(`${op}: an operand belongs to another graph ${this.at()}`);
    const key = `${op}(${inputs.map((x) => x.id).join(',')})${JSON.stringify(attributes)}`;
    const before = this.known.get(key);
    if (before) return before;
    let result: { shape: Shape; dtype: GraphDType };
    try {
      result = SHAPE_RULES[op](inputs, attributes);
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      const shapes = inputs.map((x) => `${x.dtype} ${showShape(x.shape)}`).join(', ');
      throw new ShapeError(`${op}: ${error.message}; operands ${shapes} ${this.at()}`);
    }
    const tensor = this.add(op, inputs, attributes, result.dtype, result.shape, {});
    this.known.set(key, tensor);
    return tensor;
  }

  private at(): string {
    return this.label ? `(at ${this.label})` : '(at the top level)';
  }

  private add(
    op: OpKind,
    inputs: readonly Tensor[],
    attributes: Attributes,
    dtype: GraphDType,
    shape: Shape,
    more: { name?: string; data?: HostData },
  ): Tensor {
    const tensor: Tensor = {
      graph: this,
      id: this.nodes.length,
      op,
      inputs,
      attributes,
      dtype,
      shape: [...shape],
      label: this.label,
      name: more.name ?? '',
      data: more.data,
    };
    this.nodes.push(tensor);
    return tensor;
  }
}

/** Distinguishes −0 from 0, and NaNs, which a plain join does not. */
function exactKey(data: HostData): string {
  return Array.from(data, (v) => (Object.is(v, -0) ? '-0' : String(v))).join(' ');
}

/** A graph's inputs and outputs, under the names that the runtime sees. */
export interface Program {
  readonly name: string;
  readonly outputs: Readonly<Record<string, Tensor>>;
}

/** Nodes the outputs depend on, in topological order: everything else is dead code. */
export function liveNodes(outputs: readonly Tensor[]): Tensor[] {
  const live = new Set<Tensor>();
  const stack = [...outputs];
  while (stack.length > 0) {
    const node = stack.pop() as Tensor;
    if (live.has(node)) continue;
    live.add(node);
    stack.push(...node.inputs);
  }
  return [...live].sort((a, b) => a.id - b.id);
}
