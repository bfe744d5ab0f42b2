/**
 * The same step in jax-js: the student's forward graph, operation by operation, as jax-js functions. The gradient is
 * jax-js's own (`valueAndGrad`), so is the compilation (`jit`), which fuses across these operations.
 */
import { type Array as JaxArray, jit, lax, nn, numpy as np, valueAndGrad } from '@jax-js/jax';
import type { HostTensor } from '../../../src/engine/base/dtype';
import type { Tensor } from '../../../src/engine/graph/graph';
import * as o from '../../../src/engine/graph/ops';
import { loraLayout } from '../../../src/engine/nn/lora';
import { namedWeights } from '../../../src/engine/nn/weights';
import { tapeFeeds } from '../../../src/engine/train/tape/inputs';
import { WholeTape } from '../../../src/engine/train/tape/whole';
import { LORA, type Problem } from './cases';
import type { Outputs } from './protocol';

/** Sync runs kernels in the calling thread, workers spreads each over `navigator.hardwareConcurrency` workers. */
export type JaxMode = 'sync' | 'workers';

type Rule = (node: Tensor, x: readonly JaxArray[]) => JaxArray;

const shapeOf = (node: Tensor): number[] => [...node.shape];
const swapLast = (x: JaxArray, yes: unknown): JaxArray => (yes ? np.swapaxes(x, -1, -2) : x);
const product: Rule = ({ attributes }, [a, b]) =>
  np.matmul(swapLast(a as JaxArray, attributes.transA), swapLast(b as JaxArray, attributes.transB));

/** Every rule consumes its operands, like jax-js's functions. */
const RULES: Partial<Record<Tensor['op'], Rule>> = {
  stopGradient: (_n, [x]) => lax.stopGradient(x as JaxArray),
  neg: (_n, [x]) => np.negative(x as JaxArray),
  exp: (_n, [x]) => np.exp(x as JaxArray),
  log: (_n, [x]) => np.log(x as JaxArray),
  silu: (_n, [x]) => nn.silu(x as JaxArray),
  add: (_n, [a, b]) => np.add(a as JaxArray, b as JaxArray),
  sub: (_n, [a, b]) => np.subtract(a as JaxArray, b as JaxArray),
  mul: (_n, [a, b]) => np.multiply(a as JaxArray, b as JaxArray),
  equal: (_n, [a, b]) => np.equal(a as JaxArray, b as JaxArray),
  where: (_n, [c, a, b]) => np.where(c as JaxArray, a as JaxArray, b as JaxArray),
  reduceSum: ({ attributes }, [x]) =>
    np.sum(x as JaxArray, [...(attributes.axes as number[])], { keepdims: attributes.keepDims as boolean }),
  reduceMax: ({ attributes }, [x]) =>
    np.max(x as JaxArray, [...(attributes.axes as number[])], { keepdims: attributes.keepDims as boolean }),
  softmax: (_n, [x]) => nn.softmax(x as JaxArray, -1),
  reshape: (node, [x]) => np.reshape(x as JaxArray, shapeOf(node)),
  expand: (node, [x]) => np.broadcastTo(x as JaxArray, shapeOf(node)),
  transpose: ({ attributes }, [x]) => np.transpose(x as JaxArray, [...(attributes.perm as number[])]),
  concat: ({ attributes }, x) => np.concatenate([...x], attributes.axis as number),
  slice: ({ attributes }, [x]) => {
    const { axis, start, end } = attributes as Record<'axis' | 'start' | 'end', number>;
    const index = Array.from({ length: axis }, (): [] => []);
    return (x as JaxArray).slice(...index, [start, end]);
  },
  pad: ({ attributes, shape }, [x]) => {
    const { axis, before, after } = attributes as Record<'axis' | 'before' | 'after', number>;
    return np.pad(
      x as JaxArray,
      shape.map((_, i): [number, number] => (i === axis ? [before, after] : [0, 0])),
    );
  },
  gather: (_n, [table, indices]) => np.take(table as JaxArray, indices as JaxArray, 0),
  matmul: product,
  gemm: (node, [a, b, c]) => {
    const y = product(node, [a as JaxArray, b as JaxArray]);
    const alpha = node.attributes.alpha as number;
    const scaled = alpha === 1 ? y : y.mul(alpha);
    return c ? scaled.add(c) : scaled;
  },
  rmsNorm: ({ attributes }, [x, weight]) => {
    const mean = np.mean(np.square((x as JaxArray).ref), -1, { keepdims: true });
    const scale = np.reciprocal(np.sqrt(mean.add(attributes.epsilon as number)));
    return (x as JaxArray).mul(scale).mul(weight as JaxArray);
  },
  rope: (node, [x, cos, sin]) => {
    const d = node.shape[3] as number;
    const [c, s] = [cos as JaxArray, sin as JaxArray];
    const first = (x as JaxArray).ref.slice([], [], [], [0, d / 2]);
    const second = (x as JaxArray).slice([], [], [], [d / 2, d]);
    const left = first.ref.mul(c.ref).sub(second.ref.mul(s.ref));
    return np.concatenate([left, second.mul(c).add(first.mul(s))], 3);
  },
};

/** `loss` from given values of some of its ancestors; the caller keeps owning the values. */
function evaluate(loss: Tensor, given: ReadonlyMap<Tensor, JaxArray>): JaxArray {
  const needed = new Set<Tensor>();
  const stack = [loss];
  while (stack.length > 0) {
    const node = stack.pop() as Tensor;
    if (needed.has(node)) continue;
    needed.add(node);
    if (!given.has(node)) stack.push(...node.inputs);
  }
  const values = new Map<Tensor, JaxArray>();
  for (const node of [...needed].sort((a, b) => a.id - b.id)) {
    const known = given.get(node);
    if (known) values.set(node, known.ref);
    else if (node.op === 'constant') values.set(node, upload(node as Tensor & HostTensor));
    else {
      const rule = RULES[node.op];
      if (!rule) throw new Error(`jax-js: no rule for ${node.op} (at ${node.label || 'the top'})`);
      values.set(
        node,
        rule(
          node,
          node.inputs.map((x) => (values.get(x) as JaxArray).ref),
        ),
      );
    }
  }
  const result = (values.get(loss) as JaxArray).ref;
  for (const value of values.values()) value.dispose();
  return result;
}

const upload = ({ data, dtype, shape }: Pick<HostTensor, 'data' | 'dtype' | 'shape'>): JaxArray =>
  np.array(data as Float32Array<ArrayBuffer>, {
    shape: [...shape],
    dtype: dtype === 'f32' ? np.float32 : np.int32,
  });

export interface JaxStep {
  /** Loss of one step; all gradients are computed by then, but stay where they are. */
  run(): Promise<number>;
  outputs(): Promise<Outputs>;
}

/** Weights, adapters and tokens stay in jax-js's memory between steps. */
export function jaxStep({ config, tape, weights, packs, feeds }: Problem, mode: JaxMode): JaxStep {
  const recorded = tape(config);
  const whole = new WholeTape(recorded);
  const { graph } = whole;
  const leaves = Object.values(whole.leaves).flatMap((each) => each.leaves);
  const answerLoss = o.reshape(whole.terms[0] as Tensor, []);
  const bound: Record<string, HostTensor> = { ...namedWeights(weights), ...tapeFeeds(recorded, feeds) };
  const inputs = graph.nodes.filter((node) => node.op === 'input' && Object.hasOwn(bound, node.name));
  const frozen = inputs.map((node) => upload(bound[node.name] as HostTensor));
  const isAdapted = Object.keys(recorded.parameters.adapters).length > 0;
  const parameters = (isAdapted ? leafValues(config, packs) : packs).map((leaf, i) =>
    upload({ dtype: 'f32', shape: (leaves[i] as Tensor).shape, data: leaf }),
  );

  const lossOf = (lora: JaxArray[], rest: JaxArray[]): JaxArray => {
    const given = new Map<Tensor, JaxArray>();
    for (const [i, leaf] of leaves.entries()) given.set(leaf, lora[i] as JaxArray);
    for (const [i, node] of inputs.entries()) given.set(node, rest[i] as JaxArray);
    const result = evaluate(answerLoss, given);
    for (const value of given.values()) value.dispose();
    return result;
  };
  const step = jit(valueAndGrad(lossOf, { argnums: 0 }) as never) as unknown as (
    lora: JaxArray[],
    rest: JaxArray[],
  ) => [JaxArray, JaxArray[]];

  const call = () =>
    step(
      parameters.map((x) => x.ref),
      frozen.map((x) => x.ref),
    );
  const read = async (x: JaxArray): Promise<Float32Array> =>
    (mode === 'sync' ? x.dataSync() : await x.data()) as Float32Array;
  return {
    run: async () => {
      const [value, [last, ...gradients]] = call();
      const loss = (await read(value))[0] as number;
      // All kernels are one queue, and the first parameter is the end of the reverse sweep.
      await read(last as JaxArray);
      for (const gradient of gradients) gradient.dispose();
      return loss;
    },
    outputs: async () => {
      const [value, gradients] = call();
      const loss = (await read(value))[0] as number;
      const parts: Float32Array[] = [];
      for (const gradient of gradients) parts.push(await read(gradient));
      const each = leaves.length / packs.length;
      return { loss, gradients: packs.map((_, i) => join(parts.slice(i * each, (i + 1) * each))) };
    },
  };
}

/** A pack's leaves in order: per group all As as one, then each B. */
function leafValues(config: Problem['config'], packs: Problem['packs']): Float32Array<ArrayBuffer>[] {
  const { parts } = loraLayout(config, LORA);
  const ranges: { from: number; to: number; factor: 'A' | 'B' }[] = [];
  for (const { factor, offset, shape } of parts) {
    const to = offset + shape[0] * shape[1];
    const last = ranges[ranges.length - 1];
    if (factor === 'A' && last?.factor === 'A') last.to = to;
    else ranges.push({ from: offset, to, factor });
  }
  return packs.flatMap((pack) => ranges.map(({ from, to }) => pack.slice(from, to)));
}

function join(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
