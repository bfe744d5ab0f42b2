import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../base/rng';
import { HIDDEN } from '../base/tokens';
import { Graph, type Tensor } from '../graph/graph';
import { interpret } from '../graph/interpret.testing';
import * as o from '../graph/ops';
import type { DecoderConfig } from '../nn/config';
import { loraLayout } from '../nn/lora';
import { adapted } from '../nn/parameters.testing';
import { causalMask, logits as logitsOf, runStack, stackModel } from '../nn/stack';
import { namedWeights } from '../nn/weights';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { normals, randomWeights, relativeError, TINY_CONFIG, TINY_QWEN } from '../train/tiny.testing';
import { decoderOf, Walk } from './decoder.testing';
import { hiddenOf } from './readout';
import { type Intervention, identity } from './sites';

/** Layers that are projected, after the question only or at its positions too. */
interface ProjectedLayers {
  readonly layers: readonly number[];
  readonly question: boolean;
}

/** float32 against float64 over two layers, projected. Measured 2e-6. */
const TOLERANCE = 1e-5;
const LORA = { rank: 2, alpha: 3, targets: ['q', 'v', 'up', 'down'] } as const;
const FILTER = { kind: 'softmax', temperature: 0.7 } as const;
/** Two questions, left-padded to S = 4. */
const QUESTIONS = [
  [3, 7],
  [1, 2, 9, 4],
];
const [B, S, STEPS] = [2, 4, 4];

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

/** r orthonormal rows of H, by Gram and Schmidt. */
function orthonormal(r: number, H: number, rng: Rng): number[][] {
  const rows: number[][] = [];
  const dot = (a: number[], b: number[]): number => a.reduce((s, x, i) => s + x * (b[i] as number), 0);
  for (let k = 0; k < r; k++) {
    let v = Array.from({ length: H }, () => rng.normal());
    for (let turn = 0; turn < 2; turn++)
      for (const u of rows) {
        const along = dot(u, v);
        v = v.map((x, i) => x - along * (u[i] as number));
      }
    const norm = Math.sqrt(dot(v, v));
    rows.push(v.map((x) => x / norm));
  }
  return rows;
}

interface Layer {
  readonly v: number[][];
  readonly c: number[];
}

/** P and c − c·P of a layer, rounded to float32. */
function matrices({ v, c }: Layer) {
  const H = c.length;
  const P = Array.from({ length: H * H }, (_, at) =>
    v.reduce((s, row) => s + (row[Math.floor(at / H)] as number) * (row[at % H] as number), 0),
  );
  const shift = c.map((x, j) => x - c.reduce((s, y, i) => s + y * (P[i * H + j] as number), 0));
  return [Float32Array.from(P), Float32Array.from(shift)] as const;
}

function padded() {
  const ids = new Int32Array(B * S).fill(22);
  const mask = new Float32Array(B * S).fill(HIDDEN);
  QUESTIONS.forEach((q, b) => {
    ids.set(q, (b + 1) * S - q.length);
    mask.fill(0, (b + 1) * S - q.length, (b + 1) * S);
  });
  return {
    ids: { dtype: 'i32', shape: [B, S], data: ids } as const,
    keyMask: { dtype: 'f32', shape: [B, 1, 1, S], data: mask } as const,
  };
}

async function setUp(config: DecoderConfig, projected: ProjectedLayers | undefined) {
  const rng = new Rng(21);
  const { hiddenSize: H, layers: L } = config;
  const weights = randomWeights(config, rng.fork('weights'));
  const packs = Array.from({ length: L }, (_, i) =>
    normals(rng.fork(`lora ${i}`), loraLayout(config, LORA).length, 0.3),
  );
  const shape = { config, batch: B, question: S, capacity: S + STEPS, parameters: adapted(LORA) };
  const decoder = await decoderOf(runtime, weights, shape);
  const uploaded = packs.map((data) => runtime.upload({ dtype: 'f32', shape: [data.length], data }));
  decoder.setParameters(uploaded);
  const { ids, keyMask } = padded();
  const projections = new Map<number, Intervention>();
  for (const layer of projected?.layers ?? [])
    projections.set(
      layer,
      decoder.intervention({ site: 'residual', layer }, identity(H), new Float32Array(H)),
    );
  const interventions = [...projections.values()];
  const walk = new Walk(decoder, projected?.question === false ? {} : { interventions }, { interventions });
  const embedding = weights.outer.embedding?.data as Float32Array;
  const rowOf = (id: number): number[] => Array.from(embedding.subarray(id * H, (id + 1) * H));

  /** All at once in float64: h → c + Σ v (v·(h − c)) where a position is projected. */
  const whole = (sequences: readonly (readonly number[][])[], layers: ReadonlyMap<number, Layer>) => {
    const T = (sequences[0] as number[][]).length;
    const graph = new Graph();
    const plain = stackModel(graph, config, adapted(LORA));
    const where = graph.input('where', [B * T, 1]);
    const feeds: Record<string, ArrayLike<number>> = { x: sequences.flat(2), keyMask: keyMask.data };
    feeds.where = sequences.flatMap((rows) => rows.map((_, t) => (projected?.question || t >= S ? 1 : 0)));
    const replace = (layer: number, h: Tensor): Tensor => {
      const one = layers.get(layer);
      if (!one) return h;
      // With no direction, a zero one is used: a graph has no empty tensors.
      const directions = one.v.length > 0 ? one.v : [new Array<number>(H).fill(0)];
      const v = graph.input(`v ${layer}`, [directions.length, H]);
      const c = graph.input(`c ${layer}`, [1, H]);
      feeds[`v ${layer}`] = directions.flat();
      feeds[`c ${layer}`] = one.c;
      const moved = o.add(o.matmul(o.matmul(o.sub(h, c), v, { transB: true }), v), c);
      return o.add(h, o.mul(o.sub(moved, h), where));
    };
    const model = {
      ...plain,
      attached: plain.attached.map((own, i) =>
        i + 1 === L ? own : { ...own, sites: { residual: (h: Tensor) => replace(i + 1, h) } },
      ),
      final: (h: Tensor) => replace(L, h),
    };
    const run = runStack(model, {
      x: graph.input('x', [B * T, H]),
      batch: B,
      positions: T,
      from: 0,
      mask: o.add(o.pad(graph.input('keyMask', [B, 1, 1, S]), 3, 0, T - S), causalMask(graph, T, T)),
      past: undefined,
    });
    const last = run.hidden.map((h) => o.slice(o.reshape(h, [B, T, H]), 1, T - 1, T));
    for (const [name, tensor] of Object.entries(namedWeights(weights))) feeds[name] = tensor.data;
    packs.forEach((pack, i) => {
      feeds[`parameter.student.${i}`] = pack;
    });
    const top = o.reshape(last[L - 1] as Tensor, [B, H]);
    const [hidden, logits] = interpret([o.concat(last, 1), logitsOf(model, top)], feeds);
    return { hidden: hidden as Float64Array, logits: logits as Float64Array };
  };
  return {
    decoder,
    walk,
    project(layer: number, matrix: Float32Array<ArrayBuffer>, shift: Float32Array<ArrayBuffer>) {
      projections.get(layer)?.matrix.write(matrix);
      projections.get(layer)?.shift.write(shift);
    },
    whole,
    rowOf,
    begin: () => walk.begin(ids, keyMask),
    rows: () => QUESTIONS.map((_, b) => Array.from(ids.data.subarray(b * S, (b + 1) * S), rowOf)),
    dispose: async () => {
      await decoder.dispose();
      for (const pack of uploaded) pack.dispose();
    },
  };
}

const CASES: [string, DecoderConfig, ProjectedLayers][] = [
  ['llama, layer 1, after the question', TINY_CONFIG, { layers: [1], question: false }],
  ['llama, layer 1, all positions', TINY_CONFIG, { layers: [1], question: true }],
  ['llama, the last layer, after the question', TINY_CONFIG, { layers: [2], question: false }],
  ['llama, the last layer, all positions', TINY_CONFIG, { layers: [2], question: true }],
  ['qwen2, both layers, all positions', TINY_QWEN, { layers: [1, 2], question: true }],
];

describe.each(CASES)('a projected decoder: %s', (_name, config, projected) => {
  it('gives the states and logits of the definition, and another projection needs no compilation', async () => {
    const { walk, project, whole, rowOf, begin, rows, dispose } = await setUp(config, projected);
    const H = config.hiddenSize;
    let programs = 0;
    for (const [r, seed] of [
      [3, 1],
      [H - 1, 2],
      [0, 3],
    ] as const) {
      const rng = new Rng(seed);
      const layers = new Map(
        projected.layers.map((layer) => [
          layer,
          { v: orthonormal(r, H, rng), c: Array.from(normals(rng, H, 0.5)) },
        ]),
      );
      for (const [layer, one] of layers) project(layer, ...matrices(one));
      await begin();
      const sequences = rows();
      const check = async (what: string, inside: boolean): Promise<void> => {
        const want = whole(sequences, layers);
        const hidden = await walk.hidden();
        expect(relativeError(hidden, want.hidden), `${what}: states`).toBeLessThan(TOLERANCE);
        expect(relativeError(await walk.logits(), want.logits), `${what}: logits`).toBeLessThan(TOLERANCE);
        if (!inside) return;
        // hidden_states[ℓ] itself lies in c + span V.
        for (const [layer, { v, c }] of layers)
          for (let b = 0; b < B; b++) {
            const at = (b * config.layers + layer - 1) * H;
            const d = c.map((x, j) => (hidden[at + j] as number) - x);
            const along = v.map((row) => row.reduce((s, x, j) => s + x * (d[j] as number), 0));
            const rest = d.map(
              (x, j) => x - v.reduce((s, row, k) => s + (along[k] as number) * (row[j] as number), 0),
            );
            expect(Math.hypot(...rest) / Math.hypot(...hidden.subarray(at, at + H))).toBeLessThan(TOLERANCE);
          }
      };
      await check(`r = ${r}: question`, projected.question);
      for (let t = 0; t < STEPS; t++) {
        if (t === 2) {
          await walk.tokens(t + 3, t + 8);
          sequences.forEach((s, b) => {
            s.push(rowOf(b === 0 ? t + 3 : t + 8));
          });
        } else {
          const z = await walk.latent(FILTER);
          await walk.feed({ latent: FILTER });
          sequences.forEach((s, b) => {
            s.push(Array.from(z.subarray(b * H, (b + 1) * H)));
          });
        }
        await check(`r = ${r}: position ${t}`, true);
      }
      if (programs > 0) expect(runtime.programCount).toBe(programs);
      programs = runtime.programCount;
    }
    await dispose();
  });
});

describe('a fresh projected decoder', () => {
  it('changes no bit', async () => {
    const way = async (projected: ProjectedLayers | undefined): Promise<Float32Array[]> => {
      const { walk, begin, dispose } = await setUp(TINY_CONFIG, projected);
      await begin();
      const seen = [await walk.hidden(), await walk.logits()];
      await walk.feed({ latent: FILTER });
      await walk.tokens(4, 5);
      seen.push(await walk.hidden(), await walk.logits());
      await dispose();
      return seen;
    };
    expect(await way({ layers: [1, 2], question: true })).toEqual(await way(undefined));
  });

  it('refuses unknown layers, matrices of the wrong shape, and two interventions at one site', async () => {
    const { decoder, walk, begin, dispose } = await setUp(TINY_CONFIG, undefined);
    const make = (layer: number, size = 144) =>
      decoder.intervention({ site: 'residual', layer }, new Float32Array(size), new Float32Array(12));
    expect(() => make(0)).toThrow('layer 0; the model has layers 1 to 2');
    expect(() => make(3)).toThrow('layer 3; the model has layers 1 to 2');
    expect(() => make(2, 12)).toThrow('needs Float32Array of 144');
    await begin();
    const twice = decoder.advance(walk.state, { latent: FILTER }, { interventions: [make(1), make(1)] });
    await expect(twice).rejects.toThrow('two interventions at residual.1');
    await dispose();
  });

  it('at the latent input changes what is fed: h·P + s', async () => {
    const { decoder, walk, begin, dispose } = await setUp(TINY_CONFIG, undefined);
    const H = TINY_CONFIG.hiddenSize;
    await begin();
    const z = await walk.latent(FILTER);
    const shift = normals(new Rng(3), H, 0.7);
    const matrix = normals(new Rng(4), H * H, 0.3);
    const moved = Float32Array.from({ length: B * H }, (_, at) => {
      const [b, j] = [Math.floor(at / H), at % H];
      let sum = shift[j] as number;
      for (let i = 0; i < H; i++) sum += (z[b * H + i] as number) * (matrix[i * H + j] as number);
      return sum;
    });
    const own = await decoder.advance(
      walk.state,
      { latent: FILTER },
      {
        interventions: [decoder.intervention({ site: 'latent' }, matrix, shift)],
        hidden: true,
      },
    );
    const given = await decoder.advance(walk.state, { vector: moved }, { hidden: true });
    const plain = await decoder.advance(walk.state, { latent: FILTER }, { hidden: true });
    const [a, b, c] = await Promise.all([own, given, plain].map(hiddenOf));
    expect(relativeError(a as Float32Array, b as Float32Array)).toBeLessThan(TOLERANCE);
    expect(relativeError(a as Float32Array, c as Float32Array)).toBeGreaterThan(0.1);
    await dispose();
  });
});
