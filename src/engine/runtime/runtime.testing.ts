import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { HostTensor } from '../base/dtype';
import { NumericError } from '../base/errors';
import { floatsOf, graphTensor } from '../base/half';
import { Rng } from '../base/rng';
import { sizeOf } from '../base/shape';
import { gradients } from '../graph/gradient.testing';
import { Graph, type Program } from '../graph/graph';
import * as o from '../graph/ops';
import { runOnce } from './ops.testing';
import type { Runtime } from './runtime';
import type { DeviceTensor } from './tensor';

const f32 = (shape: readonly number[], values?: readonly number[]): HostTensor => {
  const rng = new Rng(sizeOf(shape));
  const data = Float32Array.from({ length: sizeOf(shape) }, (_, i) => values?.[i] ?? rng.normal());
  return { dtype: 'f32', shape, data };
};

/** y = x·w + 1 and its sum; `unused` is declared but not read. */
function small(name = 'small', scale = 1): Program {
  const g = new Graph();
  const [x, w] = [g.input('x', [2, 3]), g.input('w', [3, 2])];
  g.input('unused', [7]);
  const y = o.add(o.mul(o.matmul(x, w), scale), 1);
  return { name, outputs: { y, sum: o.reduceSum(y) } };
}

/** One step of gradient descent on a network of two layers, x [B, 2] → tanh → y [B, 1]. */
function mlpStep(B: number, hidden: number, rate: number): Program {
  const g = new Graph();
  const [x, target] = [g.input('x', [B, 2]), g.input('target', [B, 1])];
  const weights = {
    w1: g.input('w1', [hidden, 2]),
    b1: g.input('b1', [hidden]),
    w2: g.input('w2', [1, hidden]),
  };
  const h = o.tanh(o.add(o.matmul(x, weights.w1, { transB: true }), weights.b1));
  const loss = o.reduceMean(o.square(o.sub(o.matmul(h, weights.w2, { transB: true }), target)));
  const grads = gradients(loss, Object.values(weights));
  const next = Object.entries(weights).map(
    ([name, w], i) => [name, o.sub(w, o.mul(grads[i] as typeof w, rate))] as const,
  );
  return { name: 'mlp step', outputs: { loss, ...Object.fromEntries(next) } };
}

/** The test body of every provider. */
export function describeRuntime(provider: string, start: () => Promise<Runtime>): void {
  describe(`runtime on ${provider}`, () => {
    let runtime: Runtime;
    beforeEach(async () => {
      runtime = await start();
    });
    afterEach(() => runtime.dispose());

    test('equal programs are shared, and released when the last holder disposes of them', async () => {
      const a = await runtime.compile(small('first'));
      const [b, c] = await Promise.all([
        runtime.compile(small('second')),
        runtime.compile(small('third', 2)),
      ]);
      expect(b).toBe(a);
      expect(c).not.toBe(a);
      expect(runtime.programCount).toBe(2);
      a.dispose();
      expect(runtime.programCount).toBe(2);
      const x = runtime.upload(f32([2, 3]));
      const w = runtime.upload(f32([3, 2]));
      await b.run({ x, w });
      b.dispose();
      expect(runtime.programCount).toBe(1);
      await expect(b.run({ x, w })).rejects.toThrow('first was run after it had been disposed of');
      expect(() => b.dispose()).toThrow('more often');
      const again = await runtime.compile(small());
      await again.run({ x, w });
      expect(again).not.toBe(a);
    });

    test('inputs that nothing reads are not bound', async () => {
      const executable = await runtime.compile(small());
      expect([...executable.inputs]).toEqual([
        ['x', { dtype: 'f32', shape: [2, 3] }],
        ['w', { dtype: 'f32', shape: [3, 2] }],
      ]);
      expect([...executable.outputs.keys()]).toEqual(['y', 'sum']);
    });

    test('an output may be an input, a constant, given twice, or named like an input', async () => {
      const g = new Graph();
      const x = g.input('x', [3]);
      const flag = g.input('flag', [5], 'bool');
      const index = g.input('index', [2], 'i32');
      const y = o.mul(x, 2);
      const program: Program = {
        name: 'names',
        outputs: {
          x: y,
          again: y,
          same: x,
          one: g.scalar(1),
          flag,
          index,
          big: o.greater(x, g.scalar(0)),
          use: o.exp(y),
        },
      };
      const found = await runOnce(runtime, program, {
        x: f32([3], [1, -2, 3]),
        flag: { dtype: 'bool', shape: [5], data: new Uint8Array([1, 0, 1, 1, 0]) },
        index: { dtype: 'i32', shape: [2], data: new Int32Array([-7, 2147483647]) },
      });
      const list = (name: string) => Array.from(found[name] as Float32Array);
      expect(list('x')).toEqual([2, -4, 6]);
      expect(list('again')).toEqual([2, -4, 6]);
      expect(list('same')).toEqual([1, -2, 3]);
      expect(list('one')).toEqual([1]);
      expect(list('flag')).toEqual([1, 0, 1, 1, 0]);
      expect(list('index')).toEqual([-7, 2147483647]);
      expect(list('big')).toEqual([1, 0, 1]);
      expect(list('use')[1]).toBeCloseTo(Math.exp(-4), 6);
    });

    test('a baked input is part of the program; its shape is checked', async () => {
      const w = f32([3, 2]);
      const baked = await runtime.compile(small(), { bake: { w } });
      const bound = await runtime.compile(small());
      expect([...baked.inputs.keys()]).toEqual(['x']);
      const x = runtime.upload(f32([2, 3]));
      const a = await baked.run({ x });
      const b = await bound.run({ x, w: runtime.upload(w) });
      expect(await a.y?.read()).toEqual(await b.y?.read());
      await expect(runtime.compile(small(), { bake: { w: f32([2, 3]) } })).rejects.toThrow(
        'small: input "w" is f32 [3, 2], but the value to bake in is f32 [2, 3]',
      );
    });

    test.each(['f16', 'bf16'] as const)(
      'a weight stored in %s equals its f32 values to the bit, uploaded or baked in',
      async (dtype) => {
        // All 16-bit patterns, including subnormals, infinities and every NaN; then odd lengths.
        const live = runtime.liveTensors;
        for (const length of [65536, 1, 7, 1025, 0]) {
          const data = Uint16Array.from({ length }, (_, i) => (length === 65536 ? i : 40503 * (i + 1)));
          const host: HostTensor = { dtype, shape: [length], data };
          const tensor = runtime.upload(host, 'weight');
          expect([tensor.dtype, tensor.shape]).toEqual(['f32', [length]]);
          const found = new Uint32Array((await tensor.read()).buffer);
          const wanted = new Uint32Array(floatsOf(host).buffer);
          expect(found.length).toBe(length);
          expect(found.findIndex((bits, i) => bits !== wanted[i])).toBe(-1);
          tensor.dispose();
        }
        expect(runtime.liveTensors).toBe(live);
        const weight: HostTensor = {
          dtype,
          shape: [3, 2],
          data: Uint16Array.of(15000, 49000, 1, 48000, 14000, 7),
        };
        const x = runtime.upload(f32([2, 3]));
        const results: Float32Array[] = [];
        for (const w of [weight, graphTensor(weight)]) {
          const baked = await runtime.compile(small(), { bake: { w } });
          const bound = await runtime.compile(small());
          for (const { y } of [await baked.run({ x }), await bound.run({ x, w: runtime.upload(w) })])
            results.push((await y?.read()) as Float32Array);
        }
        for (const found of results) expect(found).toEqual(results[0]);
        expect(new Set(results[0]).size).toBeGreaterThan(1);
        expect(() => runtime.upload({ ...weight, shape: [5] }, 'short')).toThrow(
          `tensor "short" ${dtype} [5] needs 5 elements, got 6`,
        );
        await expect(runtime.compile(small(), { bake: { w: { ...weight, shape: [2, 3] } } })).rejects.toThrow(
          'small: input "w" is f32 [3, 2], but the value to bake in is f32 [2, 3]',
        );
      },
    );

    test('large weights are read once each, while the session is created, with the same results as bound ones', async () => {
      // 300 · 41 values are external to the model's bytes, and not a multiple of 4096.
      const size = [300, 41] as const;
      const stored: HostTensor = {
        dtype: 'bf16',
        shape: size,
        data: Uint16Array.from({ length: 300 * 41 }, (_, i) => 0x3c00 + ((40503 * i) % 0x400)),
      };
      const reads: string[] = [];
      const late = (name: string) => {
        const read = () => {
          reads.push(name);
          return name === 'w' ? stored : graphTensor(stored);
        };
        return name === 'x' ? undefined : { ...stored, read };
      };
      const g = new Graph();
      const product = (weight: string) => o.matmul(g.input('x', [2, 300]), g.input(weight, size));
      const program = { name: 'two weights', outputs: { y: product('w'), z: product('v') } };
      const x = runtime.upload({
        dtype: 'f32',
        shape: [2, 300],
        data: Float32Array.from({ length: 600 }, (_, i) => Math.sin(i)),
      });
      const bound = await runtime.compile(program);
      const w = runtime.upload(stored);
      const wanted = await bound.run({ x, w, v: w });
      for (const prepack of [true, false]) {
        reads.length = 0;
        const own = await runtime.compile(program, { bake: late, weights: 'some', prepack });
        expect(own.bytes).toBeGreaterThan(2 * 4 * 300 * 41);
        const found = await own.run({ x });
        expect(reads.sort()).toEqual(['v', 'w']);
        for (const name of ['y', 'z']) {
          const [values, others] = await Promise.all(
            [wanted, found].map(async (all) => (await (all[name] as DeviceTensor).read()) as Float32Array),
          );
          // Sums of 300 products in another order: float32 rounding of numbers up to about 1.
          others?.forEach((value, i) => {
            expect(value).toBeCloseTo(values?.[i] as number, 5);
          });
          expect(Math.max(...(values as Float32Array))).toBeGreaterThan(0.01);
        }
        // An equal program over the same weights is shared: nothing is read for it.
        expect(await runtime.compile(program, { bake: late, weights: 'some', prepack })).toBe(own);
        expect(reads).toHaveLength(2);
      }
    });

    test('an error while a weight is read is reported as it is', async () => {
      const g = new Graph();
      const program = { name: 'damaged', outputs: { y: o.exp(g.input('w', [64, 64])) } };
      const failing = {
        dtype: 'bf16' as const,
        shape: [64, 64],
        read: () => {
          throw new NumericError('tensor "w" holds NaN', 'Get it again.');
        },
      };
      const bake = () => failing;
      await expect(runtime.compile(program, { bake, weights: 'damaged' })).rejects.toThrow(
        new NumericError('tensor "w" holds NaN', 'Get it again.'),
      );
      // The runtime remains usable, and the program can be tried again.
      const y = await runtime.compile(small());
      expect(y.nodeCount).toBeGreaterThan(0);
      await expect(runtime.compile(program, { bake, weights: 'damaged' })).rejects.toThrow(NumericError);
    });

    test('concurrent requests are served one after the other', async () => {
      const x = runtime.upload(f32([2, 3]));
      const w = runtime.upload(f32([3, 2]));
      const runs = [1, 2, 3, 4].map(async (scale) => {
        const executable = await runtime.compile(small('parallel', scale));
        const results = await Promise.all([executable.run({ x, w }), executable.run({ x, w })]);
        return Promise.all(results.map((r) => (r.y as DeviceTensor).read()));
      });
      const values = (await Promise.all(runs)).map(([a, b]) => {
        expect(a).toEqual(b);
        return (a as Float32Array)[0] as number;
      });
      const product = (values[0] as number) - 1;
      values.forEach((v, i) => {
        expect(v).toBeCloseTo(1 + (i + 1) * product, 5);
      });
    });

    test('bindings that do not fit are refused before the run', async () => {
      const executable = await runtime.compile(small());
      const x = runtime.upload(f32([2, 3]), 'x');
      const w = runtime.upload(f32([3, 2]), 'w');
      const y = runtime.empty('f32', [2, 2], 'y');
      const gone = runtime.upload(f32([2, 3]), 'gone');
      gone.dispose();
      const other = await start();
      const foreign = other.upload(f32([2, 3]));
      const bad: [RegExp, Record<string, unknown>, Record<string, unknown>?][] = [
        [/small: input "w" \(f32 \[3, 2\]\) is missing/, { x }],
        [/small has no input "v"; it has: x, w/, { x, w, v: x }],
        [/small has no input "unused"/, { x, w, unused: x }],
        [/small: input "w" must be f32 \[3, 2\], got f32 \[2, 3\]/, { x, w: x }],
        [/must be f32 \[2, 3\], got f32 \[6\]/, { x: runtime.upload(f32([6])), w }],
        [/must be f32 \[2, 3\], got i32 \[2, 3\]/, { x: runtime.empty('i32', [2, 3]), w }],
        [/input "x" is not a live tensor of this runtime/, { x: gone, w }],
        [/input "x" is not a live tensor of this runtime/, { x: foreign, w }],
        [/input "x" is not a live tensor of this runtime/, { x: new Float32Array(6), w }],
        [/small has no output "z"; it has: y, sum/, { x, w }, { z: y }],
        [/output "y" must be f32 \[2, 2\], got f32 \[4\]/, { x, w }, { y: runtime.empty('f32', [4]) }],
        [/output "sum" must be f32 \[\], got f32 \[1\]/, { x, w }, { sum: runtime.empty('f32', [1]) }],
        [/output "y" is not a live tensor/, { x, w }, { y: gone }],
      ];
      for (const [message, inputs, outputs] of bad) {
        const run = executable.run(
          inputs as Record<string, DeviceTensor>,
          outputs as Record<string, DeviceTensor>,
        );
        await expect(run, String(message)).rejects.toThrow(message);
        await expect(run).rejects.toMatchObject({ code: 'runtime' });
      }
      await executable.run({ x, w }, { y });
      await other.dispose();
    });

    test('one tensor may not be both input and output, nor two outputs', async () => {
      const g = new Graph();
      const x = g.input('x', [4]);
      const executable = await runtime.compile({ name: 'alias', outputs: { y: o.exp(x), z: o.neg(x) } });
      const [a, b] = [runtime.upload(f32([4])), runtime.empty('f32', [4])];
      await expect(executable.run({ x: a }, { y: a })).rejects.toThrow(
        'output "y" is the same tensor as input "x"',
      );
      await expect(executable.run({ x: a }, { y: b, z: b })).rejects.toThrow(
        'output "z" is the same tensor as output "y"',
      );
    });

    test('one tensor may be two inputs', async () => {
      const g = new Graph();
      const executable = await runtime.compile({
        name: 'twice',
        outputs: { y: o.add(g.input('a', [4]), g.input('b', [4])) },
      });
      const a = runtime.upload(f32([4], [1, 2, 3, 4]));
      expect(await (await executable.run({ a, b: a })).y?.read()).toEqual(new Float32Array([2, 4, 6, 8]));
    });

    test('tensors: wrong data, use after disposal, use while running', async () => {
      const t = runtime.upload(f32([3], [1, 2, 3]), 'three');
      expect(() => t.write(new Float32Array(4))).toThrow(
        'tensor "three" f32 [3] needs Float32Array of 3, got Float32Array of 4',
      );
      expect(() => t.write(new Int32Array(3))).toThrow('needs Float32Array of 3, got Int32Array of 3');
      expect(() => runtime.upload({ dtype: 'bool', shape: [2], data: new Float32Array(2) })).toThrow(
        'needs Uint8Array of 2',
      );
      t.write(new Float32Array([4, 5, 6]));
      expect(await t.read()).toEqual(new Float32Array([4, 5, 6]));
      const g = new Graph();
      const executable = await runtime.compile({ name: 'busy', outputs: { y: o.exp(g.input('t', [3])) } });
      const running = executable.run({ t });
      expect(() => t.write(new Float32Array(3))).toThrow(
        'tensor "three" f32 [3] was written while a run uses it',
      );
      expect(() => t.dispose()).toThrow('while a run uses it');
      (await running).y?.dispose();
      const before = runtime.liveTensors;
      t.dispose();
      expect(runtime.liveTensors).toBe(before - 1);
      expect(() => t.dispose()).toThrow('after it had been disposed of');
      expect(() => t.write(new Float32Array(3))).toThrow('after it had been disposed of');
      await expect((async () => t.read())()).rejects.toThrow('after it had been disposed of');
    });

    test('200 steps leave as many tensors and programs as one, and read nothing back', async () => {
      const executable = await runtime.compile(mlpStep(4, 3, 0.1));
      const fixed = { x: runtime.upload(f32([4, 2])), target: runtime.upload(f32([4, 1])) };
      let weights: Record<string, DeviceTensor> = {
        w1: runtime.upload(f32([3, 2])),
        b1: runtime.upload(f32([3])),
        w2: runtime.upload(f32([1, 3])),
      };
      const counts = new Set<string>();
      const reads = runtime.readCount;
      for (let step = 0; step < 200; step++) {
        const { loss, ...next } = await executable.run({ ...fixed, ...weights });
        loss?.dispose();
        for (const w of Object.values(weights)) w.dispose();
        weights = next;
        counts.add(`${runtime.liveTensors} ${runtime.programCount} ${runtime.readCount - reads}`);
      }
      expect([...counts]).toEqual(['5 1 0']);
      for (const t of [...Object.values(fixed), ...Object.values(weights)]) t.dispose();
      expect(runtime.liveTensors).toBe(0);
    });

    test('linear regression descends to the closed form', async () => {
      // y = 2·a − 3·b + ½ exactly, so least squares gives these weights and loss 0.
      const B = 16;
      const truth = [2, -3, 0.5] as const;
      const points = f32([B, 3]);
      for (let i = 0; i < B; i++) points.data[3 * i + 2] = 1;
      const target = Array.from({ length: B }, (_, i) =>
        truth.reduce((s, w, j) => s + w * (points.data[3 * i + j] as number), 0),
      );
      const g = new Graph();
      const [x, y, w] = [g.input('x', [B, 3]), g.input('y', [B, 1]), g.input('w', [3, 1])];
      const loss = o.reduceMean(o.square(o.sub(o.matmul(x, w), y)));
      const [dw] = gradients(loss, [w]);
      const executable = await runtime.compile({
        name: 'descent',
        outputs: { loss, w: o.sub(w, o.mul(dw as typeof w, 0.2)) },
      });
      const inputs = { x: runtime.upload(points), y: runtime.upload(f32([B, 1], target)) };
      // Two tensors alternate: an output is never its own input.
      let [from, to] = [runtime.upload(f32([3, 1], [0.1, 0.1, 0.1])), runtime.empty('f32', [3, 1])];
      const losses = runtime.empty('f32', []);
      for (let step = 0; step < 250; step++) {
        await executable.run({ ...inputs, w: from }, { w: to, loss: losses });
        [from, to] = [to, from];
      }
      const found = await from.read();
      truth.forEach((v, i) => {
        expect(found[i]).toBeCloseTo(v, 4);
      });
      expect((await losses.read())[0]).toBeLessThan(1e-9);
    });

    test('a network of two layers learns the exclusive or', async () => {
      const executable = await runtime.compile(mlpStep(4, 6, 0.1));
      const fixed = {
        x: runtime.upload(f32([4, 2], [-1, -1, -1, 1, 1, -1, 1, 1])),
        target: runtime.upload(f32([4, 1], [-1, 1, 1, -1])),
      };
      const weights = () => ({
        w1: runtime.upload(f32([6, 2])),
        b1: runtime.upload(f32([6])),
        w2: runtime.upload(f32([1, 6])),
      });
      let [from, to] = [weights(), weights()];
      const loss = runtime.empty('f32', []);
      await executable.run({ ...fixed, ...from }, { loss, ...to });
      const first = (await loss.read())[0] as number;
      for (let step = 0; step < 200; step++) {
        await executable.run({ ...fixed, ...from }, { loss, ...to });
        [from, to] = [to, from];
      }
      expect(first).toBeGreaterThan(0.5);
      expect((await loss.read())[0]).toBeLessThan(1e-3);
    });

    test('a captured program reads the current values of its tensors, and accepts no others', async () => {
      const fixed = { x: runtime.upload(f32([4, 2])), target: runtime.upload(f32([4, 1])) };
      const weights = { w1: f32([3, 2]), b1: f32([3]), w2: f32([1, 3]) };
      const bound = Object.fromEntries(
        Object.entries(weights).map(([k, w]) => [k, runtime.upload(w, k)] as const),
      );
      const plain = await runtime.compile(mlpStep(4, 3, 0.1));
      const captured = await runtime.compile(mlpStep(4, 3, 0.1), { capture: true });
      expect(await runtime.compile(mlpStep(4, 3, 0.1), { capture: true })).not.toBe(captured);
      const outputs: Record<string, DeviceTensor> = {};
      for (const [name, { dtype, shape }] of captured.outputs)
        outputs[name] = runtime.empty(dtype, shape, name);
      for (let step = 0; step < 5; step++) {
        const expected = await plain.run({ ...fixed, ...bound });
        await captured.run({ ...fixed, ...bound }, outputs);
        for (const [name, tensor] of Object.entries(outputs)) {
          expect(await tensor.read(), `${name} of step ${step}`).toEqual(await expected[name]?.read());
          if (name !== 'loss') bound[name]?.write(await tensor.read());
          else fixed.target.write(Float32Array.from([step, 1, -step, 0.5]));
        }
      }
      const other = runtime.upload(f32([4, 2]));
      await expect(captured.run({ ...fixed, ...bound, x: other }, outputs)).rejects.toThrow(
        'mlp step was compiled with capture: input "x" is not the tensor of its first run',
      );
      const { loss: _, ...some } = outputs;
      await expect(captured.run({ ...fixed, ...bound }, some)).rejects.toThrow(
        'output "loss" must be passed in',
      );
    });

    test('a disposed runtime refuses everything', async () => {
      const other = await start();
      const kept = other.upload(f32([2]), 'kept');
      await other.dispose();
      expect(kept.disposed).toBe(true);
      expect(other.liveTensors).toBe(0);
      expect(() => other.empty('f32', [1])).toThrow('after it had been disposed of');
      await expect(other.compile(small())).rejects.toThrow('after it had been disposed of');
    });
  });
}
