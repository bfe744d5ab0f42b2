import type { GraphDType } from '../base/dtype';
import { type Shape, sizeOf } from '../base/shape';
import type { Tensor } from '../graph/graph';
import type { Instruction, Provider } from './fuse';
import type { ModelWriter } from './model';

/**
 * Writes the ONNX nodes of one instruction.
 * @param x names of its operands  @returns name of its value
 */
type Lower = (at: Instruction, x: readonly string[], model: ModelWriter, provider: Provider) => string;

const one =
  (type: string): Lower =>
  (_at, x, model) =>
    model.node(type, x);

const reduction =
  (type: string): Lower =>
  ({ attributes }, [x], model) =>
    model.node(type, [x as string, model.integers(attributes.axes as Shape)], {
      keepdims: attributes.keepDims ? 1 : 0,
    });

const ONNX_TYPE: Readonly<Record<GraphDType, number>> = { f32: 1, i32: 6, bool: 9 };

/** Swaps the last two axes. */
function swapped(model: ModelWriter, name: string, { shape }: Tensor): string {
  const perm = shape.map((_, i) => i);
  perm.push(...perm.splice(-2).reverse());
  return model.node('Transpose', [name], { perm });
}

function padded({ node, attributes }: Instruction, x: string, model: ModelWriter): string {
  const { axis, before, after } = attributes as { axis: number; before: number; after: number };
  const rank = node.shape.length;
  const pads = new Array<number>(2 * rank).fill(0);
  pads[axis] = before;
  pads[rank + axis] = after;
  return model.node('Pad', [x, model.integers(pads)]);
}

const never: Lower = ({ op }) => {
  throw new Error(`${op} has no nodes of its own`);
};

/** The one place that defines each operation in ONNX. Every entry is checked against the interpreter. */
export const LOWERINGS: Readonly<Record<Instruction['op'], Lower>> = {
  input: never,
  constant: ({ node }, _x, model) =>
    model.initializer(node.dtype, node.shape, node.data as NonNullable<Tensor['data']>),
  stopGradient: (_at, [x]) => x as string,
  withGradient: (_at, [x]) => x as string,

  neg: one('Neg'),
  exp: one('Exp'),
  log: one('Log'),
  sqrt: one('Sqrt'),
  reciprocal: one('Reciprocal'),
  abs: one('Abs'),
  sigmoid: one('Sigmoid'),
  silu: ({ attributes }, x, model) =>
    attributes.bySigmoid
      ? model.node('Mul', [x[0] as string, model.node('Sigmoid', x)])
      : model.node('QuickGelu', x, { alpha: { float: 1 } }), // x·sigmoid(1·x)
  tanh: one('Tanh'),
  erf: one('Erf'),
  relu: one('Relu'),
  add: one('Add'),
  sub: one('Sub'),
  mul: one('Mul'),
  div: one('Div'),
  equal: one('Equal'),
  greater: one('Greater'),
  where: one('Where'),
  cast: ({ attributes }, x, model) => model.node('Cast', x, { to: ONNX_TYPE[attributes.to as GraphDType] }),

  reduceSum: reduction('ReduceSum'),
  reduceMean: reduction('ReduceMean'),
  reduceSumSquare: reduction('ReduceSumSquare'),
  reduceMax: reduction('ReduceMax'),
  softmax: (_at, x, model) => model.node('Softmax', x, { axis: -1 }),

  reshape: ({ node }, [x], model) => model.node('Reshape', [x as string, model.integers(node.shape)]),
  transpose: ({ attributes }, x, model) => model.node('Transpose', x, { perm: attributes.perm as Shape }),
  expand: ({ node }, [x], model) => model.node('Expand', [x as string, model.integers(node.shape)]),
  concat: ({ attributes }, x, model) => model.node('Concat', x, { axis: attributes.axis as number }),
  slice: ({ attributes }, [x], model) => {
    const list = (key: string) => model.integers([attributes[key] as number]);
    return model.node('Slice', [x as string, list('start'), list('end'), list('axis')]);
  },
  pad: (at, [x], model) => padded(at, x as string, model),
  tiles: (at, x, model) => {
    const joined = model.node('Concat', x, { axis: at.attributes.axis as number });
    return at.attributes.before || at.attributes.after ? padded(at, joined, model) : joined;
  },

  gather: (_at, x, model) => model.node('Gather', x, { axis: 0 }),
  // ScatterND needs int64 indices, which the WebGPU provider cannot produce; ScatterElements takes ours, repeated along
  // the row.
  scatterAdd: ({ node, inputs }, [indices, updates], model) => {
    const count = sizeOf((inputs[0] as Tensor).shape);
    const rows = node.shape[0] as number;
    const width = sizeOf(node.shape) / rows;
    const zero = model.initializer('f32', [1, 1], new Float32Array(1));
    const zeros = model.node('Expand', [zero, model.integers([rows, width])]);
    const column = model.node('Reshape', [indices as string, model.integers([count, 1])]);
    const repeated = model.node('Expand', [column, model.integers([count, width])]);
    const table = model.node('Reshape', [updates as string, model.integers([count, width])]);
    const sum = model.node('ScatterElements', [zeros, repeated, table], { axis: 0, reduction: 'add' });
    return node.shape.length === 2 ? sum : model.node('Reshape', [sum, model.integers(node.shape)]);
  },

  matmul: ({ inputs, attributes }, x, model, provider) => {
    const { transA, transB, alpha = 1 } = attributes as { transA: boolean; transB: boolean; alpha?: number };
    if (!transA && !transB && alpha === 1) return model.node('MatMul', x);
    if (provider === 'wasm')
      return model.node('FusedMatMul', x, {
        transA: Number(transA),
        transB: Number(transB),
        alpha: { float: alpha },
      });
    const [a, b] = x as [string, string];
    return model.node('MatMul', [
      transA ? swapped(model, a, inputs[0] as Tensor) : a,
      transB ? swapped(model, b, inputs[1] as Tensor) : b,
    ]);
  },
  gemm: ({ attributes }, x, model) => {
    const {
      transA,
      transB,
      alpha = 1,
      beta = 1,
    } = attributes as Record<'alpha' | 'beta', number | undefined> & Record<'transA' | 'transB', boolean>;
    return model.node('Gemm', x, {
      transA: Number(transA),
      transB: Number(transB),
      alpha: { float: alpha },
      beta: { float: beta },
    });
  },
  rmsNorm: ({ attributes }, x, model) =>
    model.node('SimplifiedLayerNormalization', x, {
      axis: -1,
      epsilon: { float: attributes.epsilon as number },
    }),
  inverseRms: (_at, [norm], model) => model.second(norm as string),
  // A single position id means "the tables' rows starting there".
  rope: (_at, [x, cos, sin], model) =>
    model.node('RotaryEmbedding', [x as string, model.integers([0]), cos as string, sin as string]),
};
