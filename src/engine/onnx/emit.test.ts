import { describe, expect, test } from 'vitest';
import type { HostTensor } from '../base/dtype';
import { graphTensor } from '../base/half';
import { gradients } from '../graph/gradient.testing';
import { Graph, type Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import { OP_KINDS } from '../graph/shape-rules';
import { emit, emitted } from './emit';
import { instructionsOf, type Provider } from './fuse';
import { LOWERINGS } from './lower';
import { Message } from './proto';

type Field = { field: number; wire: number; value: number | Uint8Array };

/** An independent reader of the wire format. */
function parse(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let [value, scale] = [0, 1];
    for (;;) {
      const byte = bytes[at++] as number;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const [field, wire] = [key >> 3, key & 7];
    if (wire === 0) fields.push({ field, wire, value: varint() });
    else {
      const length = wire === 5 ? 4 : varint();
      fields.push({ field, wire, value: bytes.subarray(at, at + length) });
      at += length;
    }
  }
  return fields;
}
const texts = (bytes: Uint8Array, field: number): string[] =>
  parse(bytes)
    .filter((f) => f.field === field)
    .map((f) => new TextDecoder().decode(f.value as Uint8Array));
const parts = (bytes: Uint8Array, field: number): Uint8Array[] =>
  parse(bytes)
    .filter((f) => f.field === field)
    .map((f) => f.value as Uint8Array);
const nodesOf = (model: Uint8Array): string[] =>
  parts(parts(model, 7)[0] as Uint8Array, 1).map((node) => texts(node, 4)[0] as string);

describe('the wire format', () => {
  test('numbers, text and nested messages of every length of length', () => {
    for (const length of [0, 1, 127, 128, 4095, 4096, 20_000]) {
      const payload = Uint8Array.from({ length }, (_, i) => (i * 7 + 1) % 256);
      const bytes = new Message()
        .integer(1, 300)
        .message(2, new Message().bytes(3, payload).string(4, 'é'))
        .float(5, 0.1)
        .integer(1000, 2 ** 40)
        .finish();
      const [a, b, c, d] = parse(bytes) as [Field, Field, Field, Field];
      expect(a).toMatchObject({ field: 1, value: 300 });
      expect(d).toMatchObject({ field: 1000, value: 2 ** 40 });
      expect(parts(b.value as Uint8Array, 3)[0]).toEqual(payload);
      expect(texts(b.value as Uint8Array, 4)).toEqual(['é']);
      const float = c.value as Uint8Array;
      expect(new DataView(float.buffer, float.byteOffset).getFloat32(0, true)).toBe(Math.fround(0.1));
    }
  });

  test('negative integers take ten bytes of two’s complement', () => {
    expect([...new Message().integer(1, -1).finish()]).toEqual([
      8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1,
    ]);
  });
});

/** x·w + b, squared and summed. */
function trace(g = new Graph()): Record<string, Tensor> {
  const [x, w, b] = [g.input('x', [4, 3]), g.input('w', [3, 2]), g.input('b', [2])];
  o.exp(x); // dead
  return { y: o.reduceSum(o.square(o.add(o.mul(o.matmul(x, w), 0.5), b))) };
}

describe('emission', () => {
  test('every operation has a lowering', () => {
    for (const op of OP_KINDS) expect(LOWERINGS[op], op).toBeTypeOf('function');
  });

  test('scaling and addend go into the product, the square into the sum, dead code nowhere', () => {
    const model = emitted({ name: 'p', outputs: trace() }, { provider: 'wasm' });
    expect(nodesOf(model.bytes())).toEqual(['Gemm', 'ReduceSumSquare']);
    expect(model.nodeCount).toBe(2);
    expect(model.inputs.map((x) => x.name)).toEqual(['x', 'w', 'b']);
  });

  test('a value used elsewhere is not swallowed', () => {
    const g = new Graph();
    const product = o.matmul(g.input('a', [2, 2]), g.input('b', [2, 2]));
    const nodes = (outputs: Record<string, Tensor>) =>
      nodesOf(emit({ name: 'p', outputs }, { provider: 'wasm' }));
    expect(nodes({ y: o.mul(product, 2) })).toEqual(['Gemm']);
    expect(nodes({ y: o.mul(product, 2), product })).toEqual(['Gemm', 'Mul']);
    expect(nodes({ y: o.mul(o.mul(product, 2), product) })).toEqual(['Gemm', 'Mul', 'Mul']);
  });

  test('a product that would have to broadcast takes no addend', () => {
    const g = new Graph();
    const y = o.add(o.matmul(g.input('a', [1, 2]), g.input('b', [2, 3])), g.input('c', [4, 3]));
    expect(nodesOf(emit({ name: 'p', outputs: { y } }, { provider: 'wasm' }))).toEqual(['Gemm', 'Add']);
  });

  test('a mean is one node; a product with a transposition is one where the provider has it', () => {
    const g = new Graph();
    const nodes = (y: Tensor, provider: Provider) =>
      nodesOf(emit({ name: 'p', outputs: { y } }, { provider }));
    expect(nodes(o.reduceMean(o.exp(g.input('m', [3, 7])), [1]), 'webgpu')).toEqual(['Exp', 'ReduceMean']);
    const y = o.matmul(g.input('a', [2, 3, 5]), g.input('b', [2, 4, 5]), { transB: true });
    expect(nodes(y, 'wasm')).toEqual(['FusedMatMul']);
    expect(nodes(y, 'webgpu')).toEqual(['Transpose', 'MatMul']);
  });

  test('gradients of neighbouring slices become one concatenation', () => {
    const g = new Graph();
    const x = g.input('x', [3, 7]);
    const [a, b, c] = [o.slice(x, 1, 0, 2), o.slice(x, 1, 2, 4), o.slice(x, 1, 4, 6)];
    const loss = o.reduceSum(o.mul(o.mul(o.exp(a), o.exp(b)), o.exp(c)));
    const [dx] = gradients(loss, [x]) as [Tensor];
    const nodes = nodesOf(emit({ name: 'p', outputs: { dx } }, { provider: 'webgpu' }));
    expect(nodes.filter((n) => ['Concat', 'Pad', 'Add'].includes(n))).toEqual(['Concat', 'Pad']);
  });

  test('the sigmoid of silu is shared with its gradient; alone it is one node', () => {
    const g = new Graph();
    const x = g.input('x', [3]);
    const y = o.silu(x);
    const nodes = (outputs: Record<string, Tensor>) =>
      nodesOf(emit({ name: 'p', outputs }, { provider: 'wasm' }));
    expect(nodes({ y })).toEqual(['QuickGelu']);
    const [dx] = gradients(o.reduceSum(y), [x]) as [Tensor];
    expect(nodes({ y, dx }).filter((n) => n === 'Sigmoid' || n === 'QuickGelu')).toEqual(['Sigmoid']);
  });

  test('the gradient of a norm takes 1/rms from the norm where the provider gives it', () => {
    const gradientOps = (provider: Provider, epsilon: number) => {
      const g = new Graph();
      const x = g.input('x', [3, 8]);
      const y = o.rmsNorm(x, g.input('w', [8]), 1e-5);
      const [dx] = gradients(o.reduceSum(y), [x]);
      // A norm with another epsilon has another rms.
      const other = o.reciprocal(o.sqrt(o.add(o.reduceMean(o.square(x), [-1], true), epsilon)));
      return instructionsOf([y, dx as Tensor, other], provider).map(({ op }) => op);
    };
    expect(gradientOps('wasm', 1e-5)).toContain('inverseRms');
    expect(gradientOps('wasm', 1e-5)).not.toContain('sqrt');
    expect(gradientOps('wasm', 1e-6)).toContain('sqrt');
    expect(gradientOps('webgpu', 1e-5)).not.toContain('inverseRms');
  });

  test('one value may go out under several names', () => {
    const g = new Graph();
    const x = g.input('x', [3]);
    const y = o.exp(x);
    const model = emit({ name: 'p', outputs: { a: y, b: y, c: y, d: x, e: x } }, { provider: 'wasm' });
    expect(nodesOf(model)).toEqual(['Exp', 'Identity', 'Identity', 'Identity', 'Identity']);
    const names = parts(parts(model, 7)[0] as Uint8Array, 12).map((v) => texts(v, 1)[0]);
    expect(names).toEqual(['out.a', 'out.b', 'out.c', 'out.d', 'out.e']);
  });

  test('the bytes do not depend on the name, or on what else is in the graph', () => {
    const g = new Graph();
    g.input('other', [9]);
    o.exp(g.scalar(3));
    const a = emit({ name: 'a', outputs: trace() }, { provider: 'wasm' });
    expect(emit({ name: 'b', outputs: trace(g) }, { provider: 'wasm' })).toEqual(a);
  });

  test('baked inputs are initializers, not inputs', () => {
    const w = { dtype: 'f32', shape: [3, 2], data: new Float32Array([1, 2, 3, 4, 5, 6]) } as const;
    const model = emitted(
      { name: 'p', outputs: trace() },
      { provider: 'wasm', bake: (name) => (name === 'w' ? w : undefined) },
    );
    expect(model.inputs.map((x) => x.name)).toEqual(['x', 'b']);
    const graph = parts(model.bytes(), 7)[0] as Uint8Array;
    expect(parts(graph, 11).map((x) => texts(x, 1)[0])).toEqual(['in.x', 'in.b']);
    const raw = parts(graph, 5).map((x) => parts(x, 9)[0] as Uint8Array);
    expect(raw).toContainEqual(new Uint8Array(w.data.buffer));
  });

  test('a float32 matrix bound in pieces of rows is never whole: product by product, forward, in reverse, and of some rows', () => {
    const g = new Graph();
    const w = g.input('w', [20, 6]);
    const some = o.slice(w, 0, 5, 18);
    const outputs = {
      y: o.gemm(g.input('x', [2, 6]), w, { transB: true }),
      dx: o.gemm(g.input('dy', [2, 20]), w, {}, g.input('sum', [2, 6])),
      rows: o.gemm(g.input('u', [2, 6]), some, { transB: true }),
      last: o.gemm(g.input('v', [2, 6]), o.slice(some, 0, 11, 13), { transB: true }),
    };
    const parts = (name: string) => (name === 'w' ? ({ bits: 32, rows: 8 } as const) : undefined);
    const model = emitted({ name: 'p', outputs }, { provider: 'webgpu', parts });
    const bound = model.inputs.filter(({ name }) => name.startsWith('w'));
    expect(bound.map(({ name, dtype, shape }) => [name, dtype, ...shape])).toEqual([
      ['w values 0', 'f32', 8, 6],
      ['w values 1', 'f32', 8, 6],
      ['w values 2', 'f32', 4, 6],
    ]);
    const nodes = nodesOf(model.bytes());
    const count = (type: string) => nodes.filter((node) => node === type).length;
    // Three products each, and one of the last two rows, which are in one piece.
    expect(count('Gemm')).toBe(10);
    // Products laid end to end: of all rows, and of some.
    expect(count('Concat')).toBe(2);
    // Columns of dy, three times; rows of the first piece and of the last one.
    expect(count('Slice')).toBe(5);
    expect(count('Where')).toBe(0);
  });

  test.each(['f16', 'bf16'] as const)('weights kept in %s give the same bytes as in f32', (dtype) => {
    for (const rows of [1, 7, 3001]) {
      const g = new Graph();
      const outputs = {
        y: o.matmul(g.input('x', [2, rows]), g.input('w', [rows, 3])),
        z: o.exp(g.input('v', [3])),
      };
      const half = (shape: readonly number[], salt: number): HostTensor => ({
        dtype,
        shape,
        data: Uint16Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => 40503 * i + salt),
      });
      const kept = { w: half([rows, 3], 1), v: half([3], 2) };
      const wide = { w: graphTensor(kept.w), v: graphTensor(kept.v) };
      const [a, b] = [kept, wide].map((values) => {
        const model = emitted(
          { name: 'p', outputs },
          { provider: 'wasm', bake: (name) => values[name as keyof typeof values] },
        );
        const external = model.external.map(({ path, length, write }) => {
          const out = new Uint8Array(length);
          write(out);
          return [path, out] as const;
        });
        expect(model.length).toBeGreaterThan(12 * rows);
        return { bytes: model.bytes(), external };
      });
      // Only what is large is outside.
      expect(a?.external.map(([path]) => path)).toEqual(rows === 3001 ? ['w'] : []);
      expect(a).toEqual(b);
    }
  });

  test('instructions come in an order that can be run', () => {
    const g = new Graph();
    const x = g.input('x', [3, 3]);
    let y = x;
    for (let i = 0; i < 20; i++)
      y = o.add(o.mul(o.matmul(y, o.tanh(y)), 0.1 + i), o.rmsNorm(y, g.input(`n${i}`, [3]), 1e-5));
    const outputs = gradients(o.reduceSum(o.square(y)), [x]);
    const seen = new Set<Tensor>();
    for (const { node, inputs } of instructionsOf(outputs, 'wasm')) {
      for (const input of inputs) expect(seen.has(input)).toBe(true);
      seen.add(node);
    }
  });
});
