import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HIDDEN } from '../base/tokens';
import { parseModelConfig } from '../checkpoint/config';
import { vjp } from '../graph/gradient';
import { Graph, type Tensor } from '../graph/graph';
import { interpret } from '../graph/interpret.testing';
import * as o from '../graph/ops';
import { createRuntime, type Runtime } from '../runtime/runtime';
import { type Golden, readGolden } from '../testing/golden.testing';
import type { DecoderConfig, LinearName } from './config';
import { decoderLayer, type Segment } from './layer';
import { type LoraSpec, loraLayout, unpackLora } from './lora';
import { ropeTables } from './rope';
import { layerWeights } from './weight-parts';
import { layerInputs } from './weights';

const LINEARS: readonly LinearName[] = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'];

interface Case {
  readonly golden: Golden;
  readonly name: string;
  readonly config: DecoderConfig;
  readonly spec: LoraSpec;
  /** Names of outputs and of what they are compared with. */
  readonly outputs: Record<string, Tensor>;
  readonly expected: Record<string, ArrayLike<number>>;
  readonly feeds: Record<string, { shape: readonly number[]; data: Float32Array<ArrayBuffer> }>;
}

/** The layer with its past joined by concatenation, its outputs and its vjp for all that the golden case lists. */
function traceCase(name: string): Case {
  const golden = readGolden('layer');
  const meta = golden.meta.cases[name];
  const { batch: B, columns: S, past: P, family } = meta;
  const config = parseModelConfig(meta.config);
  const spec: LoraSpec = { rank: meta.rank, alpha: meta.alpha, targets: LINEARS };
  const { hiddenSize: H, kvHeads, headDim: d } = config;
  const graph = new Graph();
  const feeds: Case['feeds'] = {};
  const input = (key: string, shape: readonly number[], data: Float32Array<ArrayBuffer>): Tensor => {
    feeds[key] = { shape, data };
    return graph.input(key, shape);
  };
  const T = P + S;
  const x = input('x', [B * S, H], golden.f32(`${name}.x`));
  const cache = [B, kvHeads, P, d];
  const past =
    P > 0
      ? {
          k: input('pastK', cache, golden.f32(`${name}.pastK`)),
          v: input('pastV', cache, golden.f32(`${name}.pastV`)),
        }
      : undefined;
  const keyMask = golden.f32(`${name}.keyMask`);
  const mask = new Float32Array(B * S * T);
  for (let b = 0; b < B; b++)
    for (let i = 0; i < S; i++)
      for (let j = 0; j < T; j++) mask[(b * S + i) * T + j] = j <= P + i && keyMask[b * T + j] ? 0 : HIDDEN;
  const tables = ropeTables(config, P, S);
  const segment: Segment = {
    batch: B,
    positions: S,
    mask: input('mask', [B, 1, S, T], mask),
    rope: { cos: graph.constant(tables.cos, [S, d / 2]), sin: graph.constant(tables.sin, [S, d / 2]) },
    join: (before, own) => (before ? o.concat([before, own], 2) : own),
  };
  const weights = layerInputs(graph, config, 'w.');
  for (const [ours, { shape, parts }] of Object.entries(layerWeights(config, 0))) {
    const names = parts.map(({ name }) => name.replace('model.layers.0.', `${family}.weight.`));
    const data = Float32Array.from(names.flatMap((n) => Array.from(golden.f32(n))));
    feeds[`w.${ours}`] = { shape, data };
  }
  const { parts, length } = loraLayout(config, spec);
  const packed = (prefix: string): Float32Array<ArrayBuffer> => {
    const pack = new Float32Array(length);
    for (const { linear, factor, offset } of parts)
      pack.set(golden.f32(`${prefix}layers.0.${linear}.${factor}`), offset);
    return pack;
  };
  const lora = unpackLora(graph, config, spec, input('lora', [length], packed(`${family}.lora.`)));
  const out = decoderLayer(config, weights, { lora: [lora], sites: {} }, x, segment, past);
  const own = (joined: Tensor): Tensor => o.slice(joined, 2, P, T);
  const [k, v] = [own(out.kv.k), own(out.kv.v)];
  const ends = { y: out.x, k, v };
  const cotangents = Object.entries(ends).map(([key, end]) =>
    input(`d.${key}`, end.shape, golden.f32(`${name}.cotangent.${key}`)),
  );
  const pastLeaves = past ? [past.k, past.v] : [];
  const parts2 = vjp(Object.values(ends), cotangents, [x, ...pastLeaves, ...lora.leaves]);
  const onlyY = vjp([out.x], [cotangents[0] as Tensor], [x, ...pastLeaves]);
  const outputs: Record<string, Tensor> = {
    // Rows of pads hold anything: their cotangent is zero, so the product leaves them out.
    yd: o.mul(out.x, cotangents[0] as Tensor),
    k: o.mul(k, cotangents[1] as Tensor),
    v: o.mul(v, cotangents[2] as Tensor),
    'grad.x': parts2[0] as Tensor,
    'gradY.x': onlyY[0] as Tensor,
    'grad.lora': lora.pack(parts2.slice(1 + pastLeaves.length)),
  };
  const times = (a: string, b: string): number[] =>
    Array.from(golden.f32(a), (value, i) => value * (golden.f32(b)[i] as number));
  const expected: Record<string, ArrayLike<number>> = {
    yd: times(`${name}.y`, `${name}.cotangent.y`),
    k: times(`${name}.k`, `${name}.cotangent.k`),
    v: times(`${name}.v`, `${name}.cotangent.v`),
    'grad.x': golden.tensor(`${name}.grad.x`).data,
    'gradY.x': golden.tensor(`${name}.gradY.x`).data,
    'grad.lora': packed(`${name}.grad.`),
  };
  if (past)
    (['pastK', 'pastV'] as const).forEach((key, i) => {
      outputs[`grad.${key}`] = parts2[1 + i] as Tensor;
      outputs[`gradY.${key}`] = onlyY[1 + i] as Tensor;
      expected[`grad.${key}`] = golden.tensor(`${name}.grad.${key}`).data;
      expected[`gradY.${key}`] = golden.tensor(`${name}.gradY.${key}`).data;
    });
  return { golden, name, config, spec, outputs, expected, feeds };
}

/** Norm of the difference over the norm of what is expected. */
function relative(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [difference, norm] = [0, 0];
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    difference += ((actual[i] as number) - (expected[i] as number)) ** 2;
    norm += (expected[i] as number) ** 2;
  }
  expect(norm).toBeGreaterThan(0);
  return Math.sqrt(difference / norm);
}

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

describe.each(['llama', 'qwen2', 'llamaQuestion'])('one layer agrees with torch: %s', (name) => {
  it('in the float64 interpreter, to the float32 rounding of the golden file', () => {
    const { outputs, expected, feeds } = traceCase(name);
    const values = interpret(
      Object.values(outputs),
      Object.fromEntries(Object.entries(feeds).map(([k, v]) => [k, v.data])),
    );
    const errors = Object.keys(outputs).map((key, i) =>
      relative(values[i] as Float64Array, expected[key] as ArrayLike<number>),
    );
    if (process.env.SHOW) console.log(name, 'interpreter', Math.max(...errors));
    expect(Math.max(...errors)).toBeLessThan(1e-6);
  });

  it('in ONNX Runtime, to float32', async () => {
    const { outputs, expected, feeds } = traceCase(name);
    const executable = await runtime.compile({ name, outputs });
    const inputs = Object.fromEntries(
      Object.entries(feeds).map(([key, { shape, data }]) => [
        key,
        runtime.upload({ dtype: 'f32', shape, data }, key),
      ]),
    );
    const values = await executable.run(inputs);
    const errors = Object.keys(outputs).map((key) =>
      relative(values[key]?.data as Float32Array, expected[key] as ArrayLike<number>),
    );
    if (process.env.SHOW) console.log(name, 'onnxruntime', Math.max(...errors));
    expect(Math.max(...errors)).toBeLessThan(1e-5);
    for (const tensor of [...Object.values(inputs), ...Object.values(values)]) tensor.dispose();
    executable.dispose();
  });
});
