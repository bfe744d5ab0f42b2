import type { BoundDType, HostTensor } from '../base/dtype';
import { BUG, RuntimeError } from '../base/errors';
import { graphDType } from '../base/half';
import { type BoundForm, boundParts } from '../base/kept';
import { type Shape, sameShape, showShape } from '../base/shape';
import type { Program, Tensor } from '../graph/graph';
import { instructionsOf, type Provider } from './fuse';
import { KeptOperands } from './kept-operands';
import { LOWERINGS } from './lower';
import { type ExternalWeight, type LateWeight, ModelWriter } from './model';

export type { Provider } from './fuse';
export type { ExternalWeight, LateWeight } from './model';

export interface EmitOptions {
  readonly provider: Provider;
  /**
   * Inputs whose values are fixed at this point: they become weights of the model (as f32 if they are stored in 16 bits)
   * and are no longer bound at run time. Their values are read later, each when it is needed.
   */
  readonly bake?: (name: string) => LateWeight | HostTensor | undefined;
  /**
   * Matrices that are bound in parts (`boundParts`), each an input of its own: by blocks of so many bits, or float32 in pieces of
   * rows. Those that are baked in are not asked for. A product with a matrix in pieces is one with each, so that no tensor has more
   * than a piece of it.
   */
  readonly parts?: ((name: string, shape: Shape) => BoundForm | undefined) | undefined;
  /**
   * For other programs than this one: inputs and outputs have their own names, ids are int64 as those of transformers are, and
   * all weights are part of the model.
   */
  readonly standalone?: boolean;
}

/** Names inside the model: an input and an output may share their name in the program. */
export const inputName = (name: string): string => `in.${name}`;
export const outputName = (name: string): string => `out.${name}`;

export interface BoundInput {
  readonly name: string;
  readonly dtype: BoundDType;
  readonly shape: Shape;
}

export interface Emitted {
  /**
   * Bytes of the model without the values of baked weights: two programs with equal skeletons and equal `baked`, read
   * from the same weights, are the same program.
   */
  readonly skeleton: Uint8Array<ArrayBuffer>;
  /** Names of the inputs that were baked in, in order. */
  readonly baked: readonly string[];
  /** The large ones of them, whose values are not among the bytes. */
  readonly external: readonly ExternalWeight[];
  /** Size of the model with all its weights. */
  readonly length: number;
  /** The model without external weights, written out at every call. */
  bytes(): Uint8Array<ArrayBuffer>;
  /** The same bytes one after another, so that nothing holds all of them. */
  pieces(): Generator<Uint8Array<ArrayBuffer>>;
  readonly nodeCount: number;
  /** Inputs bound at run time, in order of declaration, without those that nothing reads. */
  readonly inputs: readonly BoundInput[];
}

/** The program as an ONNX ModelProto. The same program gives the same bytes, whatever its name. */
export const emit = (program: Program, options: EmitOptions): Uint8Array<ArrayBuffer> =>
  emitted(program, options).bytes();

/** `emit`, with what the runtime needs to know about the result. Throws RuntimeError if a baked value has another shape. */
export function emitted(program: Program, options: EmitOptions): Emitted {
  const { provider, bake, parts, standalone = false } = options;
  const model = new ModelWriter(!standalone);
  const values = new Map<Tensor, string>();
  const inputs: BoundInput[] = [];
  const baked: string[] = [];
  const kept = new KeptOperands(model, values, provider);
  for (const at of instructionsOf(Object.values(program.outputs), provider)) {
    const { node } = at;
    if (node.op !== 'input') {
      if (kept.slice(at)) continue;
      const lowered = (): string =>
        LOWERINGS[at.op](
          at,
          at.inputs.map((x) => kept.operand(x, at.inputs)),
          model,
          provider,
        );
      values.set(node, kept.product(at) ?? lowered());
      continue;
    }
    const fixed = bake?.(node.name);
    if (fixed) {
      const dtype = graphDType(fixed);
      if (dtype !== node.dtype || !sameShape(fixed.shape, node.shape))
        throw new RuntimeError(
          `${program.name}: input "${node.name}" is ${node.dtype} ${showShape(node.shape)}, but the value to bake in is ${dtype} ${showShape(fixed.shape)}`,
          BUG,
        );
      const weight = late(fixed);
      if (!kept.add(node, weight)) values.set(node, model.weight(weight, node.name));
      baked.push(node.name);
      continue;
    }
    const form = parts?.(node.name, node.shape);
    if (form) {
      const bound = boundParts(node.name, node.shape as [number, number], form);
      kept.bind(node, form.bits, bound, inputName);
      inputs.push(...bound);
    } else {
      inputs.push(node);
      values.set(node, declared(model, node, standalone));
    }
  }
  for (const [name, node] of Object.entries(program.outputs)) {
    model.output(standalone ? name : outputName(name), kept.operand(node, []), node.dtype, node.shape);
  }
  const message = model.finish();
  return {
    skeleton: message.skeleton(),
    baked,
    external: model.external,
    length: model.external.reduce((sum, { length }) => sum + length, message.length),
    bytes: () => message.finish(),
    pieces: () => message.pieces(),
    nodeCount: model.nodeCount,
    inputs,
  };
}

/** Declares an input that is bound at run time; the name of its value. */
function declared(model: ModelWriter, { name, dtype, shape }: Tensor, standalone: boolean): string {
  const own = standalone ? name : inputName(name);
  if (!standalone || dtype !== 'i32') {
    model.input(own, dtype, shape);
    return own;
  }
  model.input(own, 'i64', shape);
  return model.node('Cast', [own], { to: 6 });
}

const late = (weight: LateWeight | HostTensor): LateWeight =>
  'read' in weight ? weight : { dtype: weight.dtype, shape: weight.shape, read: () => weight };
