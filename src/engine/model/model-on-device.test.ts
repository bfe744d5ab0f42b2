import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RuntimeError } from '../base/errors';
import { Rng } from '../base/rng';
import { Graph, type Program } from '../graph/graph';
import * as o from '../graph/ops';
import { LAYER_PREFIX } from '../nn/programs/layer';
import { embed, stackModel } from '../nn/stack';
import { layerInputs, namedWeights } from '../nn/weights';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { randomWeights, TINY_CONFIG } from '../train/tiny.testing';
import { ModelOnDevice, type ModelOptions } from './model-on-device';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

const WEIGHTS = randomWeights(TINY_CONFIG, new Rng(4));
/** Estimated bytes of its programs. */
const bytesOf = (model: ModelOnDevice) =>
  (model as unknown as { programs: { bytes: number } }).programs.bytes;
const open = (options: ModelOptions = {}) => new ModelOnDevice(runtime, TINY_CONFIG, WEIGHTS, options);

/** Scaled embeddings of `count` tokens: another program for every count. */
function embedding(model: ModelOnDevice, count: number, scale = 2): Program {
  const graph = new Graph();
  const x = embed(stackModel(graph, model.config), graph.input('ids', [1, count], 'i32'));
  return { name: `embed ${count}`, outputs: { x: o.mul(x, scale) } };
}

async function rowsOf(model: ModelOnDevice, ids: readonly number[], scale = 2): Promise<Float32Array> {
  const program = await model.compile(embedding(model, ids.length, scale));
  expect([...program.inputs.keys()]).toEqual(['ids']);
  const bound = runtime.upload({ dtype: 'i32', shape: [1, ids.length], data: Int32Array.from(ids) });
  const { x } = await program.run({ ids: bound });
  const values = (await x?.read()) as Float32Array;
  x?.dispose();
  bound.dispose();
  await program.dispose();
  return values;
}

const H = TINY_CONFIG.hiddenSize;
const expected = (ids: readonly number[], scale = 2): Float32Array => {
  const table = namedWeights(WEIGHTS)['w.embedding']?.data as Float32Array;
  return Float32Array.from(
    ids.flatMap((id) => Array.from(table.subarray(id * H, (id + 1) * H), (v) => scale * v)),
  );
};

const WAYS: [string, ModelOptions][] = [
  ['baked', {}],
  ['bound', { bind: true }],
  ['baked in chunks', { maxVocabularyBytes: 10 * 4 * H }],
  ['bound in chunks', { bind: true, maxVocabularyBytes: 10 * 4 * H }],
];

describe.each(WAYS)('weights %s', (way, options) => {
  it('are uploaded once, and freed with the last user', async () => {
    const before = [runtime.liveTensors, runtime.programCount];
    const model = open(options);
    const ids = [0, 7, 8, 22];
    for (let turn = 0; turn < 3; turn++) expect(await rowsOf(model, ids)).toEqual(expected(ids));
    expect(await rowsOf(model, [3])).toEqual(expected([3]));
    // Two distinct programs; of all weights only the embedding is read, and of a large one only the rows that are fed.
    const isWhole = !way.endsWith('chunks');
    expect(model.traffic).toMatchObject(
      way.startsWith('baked')
        ? { bakes: 2, uploads: 0 }
        : { bakes: 0, uploads: isWhole ? 1 : 0, uploadedBytes: isWhole ? 4 * 23 * H : 0 },
    );
    const traffic = model.traffic;
    model.retain();
    await model.release();
    // One user is left, so nothing has been freed.
    expect(await rowsOf(model, [5])).toEqual(expected([5]));
    expect(model.traffic).toEqual(traffic);
    await model.release();
    expect([runtime.liveTensors, runtime.programCount]).toEqual(before);
    await expect(model.compile(embedding(model, 1))).rejects.toThrow(RuntimeError);
    expect(() => model.retain()).toThrow('after it had been freed');
    await expect(model.release()).rejects.toThrow(RuntimeError);
  });
});

describe('programs', () => {
  it('are compiled once if equal, even concurrently, and whatever their names', async () => {
    const model = open();
    const [a, b] = await Promise.all([1, 2].map(() => model.compile(embedding(model, 2))));
    expect(a?.executable).toBe(b?.executable);
    const other = await model.compile(embedding(model, 2, 3));
    expect(other.executable).not.toBe(a?.executable);
    expect([model.programCount, model.traffic.bakes]).toEqual([2, 2]);
    await a?.dispose();
    await a?.dispose();
    // One holder is left: disposing twice does not release its hold.
    expect(await rowsOf(model, [1, 2])).toEqual(expected([1, 2]));
    await model.release();
  });

  it('of two models are kept apart even if their graphs are equal', async () => {
    const [one, two] = [
      open(),
      new ModelOnDevice(runtime, TINY_CONFIG, randomWeights(TINY_CONFIG, new Rng(5))),
    ];
    const rows = await rowsOf(one, [4]);
    expect(await rowsOf(two, [4])).not.toEqual(rows);
    expect(await rowsOf(one, [4])).toEqual(rows);
    await one.release();
    await two.release();
  });

  it('are kept within a bound while unused; the least recently used is released first, one in use never', async () => {
    const probe = open();
    await rowsOf(probe, [1]);
    const size = bytesOf(probe);
    await probe.release();
    // Room for two and a half.
    const model = open({ maxProgramBytes: 2.5 * size });
    const count = runtime.programCount;
    await rowsOf(model, [1]);
    await rowsOf(model, [1, 2]);
    await rowsOf(model, [1]);
    expect(model.traffic.bakes).toBe(2);
    // The program for two tokens is released.
    await rowsOf(model, [1, 2, 3]);
    expect([model.programCount, runtime.programCount]).toEqual([2, count + 2]);
    await rowsOf(model, [1]);
    expect(model.traffic.bakes).toBe(3);
    await rowsOf(model, [1, 2]);
    expect(model.traffic.bakes).toBe(4);
    const held = await Promise.all([4, 5, 6].map((n) => model.compile(embedding(model, n))));
    expect(model.programCount).toBe(3);
    for (const program of held) await program.dispose();
    expect(model.programCount).toBe(2);
    await model.release();
    expect(runtime.programCount).toBe(count);
  });
});

describe('if memory is short', () => {
  it('held programs make room for each other and are recompiled when they run', async () => {
    const probe = open();
    await rowsOf(probe, [1]);
    const size = bytesOf(probe);
    await probe.release();
    const model = open({ maxResidentBytes: 1.5 * size });
    const held = await Promise.all([1, 2, 3].map((n) => model.compile(embedding(model, n))));
    for (let turn = 0; turn < 2; turn++)
      for (const [i, program] of held.entries()) {
        const ids = [5, 9, 22].slice(0, i + 1);
        const bound = runtime.upload({ dtype: 'i32', shape: [1, ids.length], data: Int32Array.from(ids) });
        // Two concurrent runs load it only once.
        const before = model.traffic.bakes;
        const runs = await Promise.all([program.run({ ids: bound }), program.run({ ids: bound })]);
        expect(model.traffic.bakes - before).toBeLessThanOrEqual(1);
        for (const { x } of runs) {
          expect(await x?.read()).toEqual(expected(ids));
          x?.dispose();
        }
        bound.dispose();
        expect(model.programCount).toBe(1);
      }
    expect(model.traffic.bakes).toBeGreaterThan(6);
    for (const program of held) await program.dispose();
    await model.release();
    expect([runtime.liveTensors, runtime.programCount]).toEqual([0, 0]);
  });

  it('a program that needs the space evicts the others when it runs, and they come back when they run', async () => {
    const model = open();
    const [small, large] = [
      await model.compile(embedding(model, 1)),
      await model.compile(embedding(model, 2), { beside: 0 }),
    ] as const;
    expect(model.programCount).toBe(2);
    const run = async (program: typeof small, ids: number[]) => {
      const bound = runtime.upload({ dtype: 'i32', shape: [1, ids.length], data: Int32Array.from(ids) });
      const { x } = await program.run({ ids: bound });
      expect(await x?.read()).toEqual(expected(ids));
      for (const tensor of [bound, x]) tensor?.dispose();
      return model.programCount;
    };
    expect(await run(small, [5])).toBe(2);
    expect(await run(large, [9, 22])).toBe(1);
    expect(await run(small, [7])).toBe(2);
    expect(await run(large, [1, 2])).toBe(1);
    for (const program of [small, large]) await program.dispose();
    await model.release();
    expect([runtime.liveTensors, runtime.programCount]).toEqual([0, 0]);
  });

  it('the program used last is kept, however large it is', async () => {
    const model = open({ maxProgramBytes: 1 });
    await rowsOf(model, [1]);
    await rowsOf(model, [1]);
    expect([model.programCount, model.traffic.bakes]).toEqual([1, 1]);
    await rowsOf(model, [1, 2]);
    expect([model.programCount, model.traffic.bakes]).toEqual([1, 2]);
    await model.release();
  });

  it.each([false, true])(
    'a program is fed only the rows it needs of a large embedding, bound: %s',
    async (bind) => {
      const model = open({ bind, maxVocabularyBytes: 10 * 4 * H });
      const program = await model.compile(embedding(model, 2));
      // It contains only the factor of 2, not the embedding.
      expect(program.executable.bytes).toBeLessThan(4 * 23 * H);
      for (const [values, message] of [
        [[3, 23], 'token id 23; the model has 23 tokens'],
        [[3, -1], 'token id -1'],
        [[3], '"ids" must be i32 of 2 values'],
      ] as const) {
        const ids = runtime.upload({
          dtype: 'i32',
          shape: [1, values.length],
          data: Int32Array.from(values),
        });
        await expect(program.run({ ids })).rejects.toThrow(message);
        ids.dispose();
      }
      await program.dispose();
      await model.release();
    },
  );
});

it('a program shared by layers reads the weights of the layer it is bound to', async () => {
  const model = open();
  const graph = new Graph();
  const weights = layerInputs(graph, TINY_CONFIG, LAYER_PREFIX);
  const outputs = { y: o.mul(weights.attentionNorm as NonNullable<typeof weights.attentionNorm>, 3) };
  const program = await model.compile({ name: 'norm', outputs });
  for (const i of [0, 1]) {
    const own = Object.entries(model.layer(i)).filter(([name]) => program.inputs.has(name));
    const { y } = await program.run(Object.fromEntries(own));
    const norm = WEIGHTS.layers[i]?.attentionNorm?.data as Float32Array;
    expect(await y?.read()).toEqual(norm.map((v) => Math.fround(3 * v)));
    y?.dispose();
  }
  expect(model.layer(1)).toBe(model.layer(1));
  await program.dispose();
  await model.release();
  expect(runtime.liveTensors).toBe(0);
});
