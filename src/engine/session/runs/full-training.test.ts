import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { parseRunConfig, type RunConfig, withMethod } from '../../../contract/config';
import type { Subject } from '../../../contract/lens';
import { METHODS } from '../../../contract/methods/index';
import { BASE } from '../../nn/parameters';
import type { Runtime } from '../../runtime/runtime';
import { SMALLEST } from '../../testing/tiny-pair.testing';
import { relativeError } from '../../train/tiny.testing';
import { unpacked } from '../exports/unpacked.testing';
import { insideOf } from '../inside.testing';
import { readNpy } from '../models/families-files.testing';
import type { Pair } from '../models/pair';

import type { LoriWorkbench } from '../workbench';
import { at, contents, keepAll, openTiny } from './keep-all.testing';
import { tinyRunBy } from './tiny-run.testing';

/** Full fine-tuning: all of the student's own weights in place of adapters. */
let workbench: LoriWorkbench;
beforeAll(async () => {
  workbench = await openTiny(SMALLEST);
});
afterAll(() => workbench.close());

const full = (method: string, changes: object = {}): RunConfig =>
  parseRunConfig({
    ...tinyRunBy(method, {
      data: { samples: 4, validation: 0, heldOut: 0 },
      optimiser: { steps: 2, batch: 2, weightDecay: 0 },
      factors: {
        layerRank: 1,
        hiddenRank: 2,
        anchor: { sampleRank: 2, layerRank: 1, hiddenRank: 2 } as never,
      },
      evaluation: { every: 0 },
      observation: { every: 0 },
      keeping: { every: 1 },
    }),
    training: { weights: 'full' },
    ...changes,
  });

const able = METHODS.filter(({ without }) => without?.training === undefined).map(({ id }) => id);

it.each(able)('%s trains every tensor of its student', async (method) => {
  const run = await keepAll(full(method), { on: workbench });
  const [before, after] = [await contents(at(run, 0)), await contents(at(run, 2, 'done'))];
  const names = Object.keys(after.bytes);
  expect(names.some((name) => name.includes('student.'))).toBe(false);
  expect(names.filter((name) => name.includes(BASE)).sort()).toEqual(
    ['0.attentionNorm', '0.down', '0.gateUp', '0.mlpNorm', '0.o', '0.qkv', 'embedding', 'finalNorm'].map(
      (name) => `parameters/${BASE}${name}`,
    ),
  );
  for (const name of names) expect(after.bytes[name] === before.bytes[name], name).toBe(false);
});

const statesOf = async (subject: Subject): Promise<Float32Array> => {
  const source = { kind: 'texts', texts: ['Tom has 12 apples.'] } as const;
  const request = { source, subject, sections: ['text'], layers: null, format: 'npy' } as const;
  const { blob } = await workbench.exportStates(request);
  return readNpy(new Uint8Array(await blob.arrayBuffer())).values;
};

it('leaves the model itself, which may be its teacher, as it is', async () => {
  const roles = { student: 'bundled', teacher: 'self', data: 'bundled' } as const;
  const config = full('lori', { roles });
  const before = await statesOf({ kind: 'base' });
  const first = await keepAll(config, { on: workbench });
  const trained = await statesOf({ kind: 'student' });
  expect(relativeError(trained, before)).toBeGreaterThan(0.01);
  expect(await statesOf({ kind: 'base' })).toEqual(before);
  // The same teacher again gives the same losses, to the bit.
  const again = await keepAll(config, { on: workbench });
  expect(again.steps.map(({ losses }) => losses)).toEqual(first.steps.map(({ losses }) => losses));
  // A fresh LoRA changes nothing, so that the first step's losses are those of the adapters' run, in float32.
  const adapters = parseRunConfig({ ...config, training: { weights: 'lora' } });
  const lora = await keepAll(adapters, { on: workbench });
  const [own, other] = [first, lora].map(({ steps }) => steps[0]?.losses ?? {}) as Record<string, number>[];
  expect(Object.keys(own ?? {})).toContain('covariance');
  for (const [term, value] of Object.entries(own ?? {}))
    expect(Math.abs(value / (other?.[term] as number) - 1), term).toBeLessThan(1e-5);
  expect(lora.steps[1]?.losses.total).not.toBe(first.steps[1]?.losses.total);
});

it('is kept as teacher with its trained weights', async () => {
  await keepAll(full('cot-sft'), { on: workbench });
  await workbench.keepTeacher({ kind: 'student' });
  const totals = async (teacher: 'bundled' | 'self' | 'kept'): Promise<number | undefined> => {
    const roles = { student: 'bundled', teacher, data: 'bundled' } as const;
    const { steps } = await keepAll(full('codi', { roles }), { on: workbench });
    return steps[0]?.losses.codi;
  };
  const own = await totals('self');
  const kept = await totals('kept');
  expect(kept).toBeGreaterThan(0);
  expect(kept).not.toBe(own);
});

it('is exported as a whole model, not as an adapter', async () => {
  await keepAll(full('coconut'), { on: workbench });
  const subject = { kind: 'student' } as const;
  const own = await statesOf(subject);
  await expect(workbench.exportModel({ subject, format: 'peft' })).rejects.toThrow(/all of .* weights were/);
  const merged = await workbench.exportModel({ subject, format: 'merged' });
  await workbench.openCheckpoint(await unpacked(merged));
  expect(relativeError(await statesOf({ kind: 'opened' }), own)).toBeLessThan(1e-6);

  await workbench.storeWeights('int8');
  const roles = { student: 'opened', teacher: 'self', data: 'bundled' } as const;
  await expect(workbench.distil(full('nocot', { roles }))).rejects.toMatchObject({
    code: 'config',
    message: expect.stringMatching(
      /all weights are to be trained, and those of the layers are kept in 8 bits/,
    ),
  });
});

it('is refused by name if a method needs two sets of adapters', () => {
  expect(() => full('sim-cot')).toThrow(/training: SIM-CoT has no such setting: .* two adapters/);
  expect(() => full('dart')).toThrow(/training: DART has no such setting: .* REM/);
  const { config, left } = withMethod(full('ce'), 'dart');
  expect(config.training).toBeUndefined();
  expect(left).toContainEqual(['training.weights', 'full']);
});

it('counts memory for weights and gradients in WebAssembly, and outside also for moments and a copy, but none for adapters', async () => {
  const { memory, kept } = await workbench.runCost(full('nocot'));
  const { result } = await keepAll(full('nocot'), { on: workbench });
  expect(memory.parts).toMatchObject({
    ...{ weights: 0, adapters: 8 * (result?.trainable as number), host: 20 * (result?.trainable as number) },
  });
  expect(kept).toBe(12 * (result?.trainable as number));
});

it('is refused before it starts where the device cannot bind a weight as a whole; adapters are not', async () => {
  const own = await openTiny(SMALLEST);
  const { runtime } = insideOf<{ opened: { runtime: Runtime } }>(own).opened;
  const { base } = insideOf<{ loaded: { pair: Pair } }>(own).loaded.pair;
  const { hiddenSize: H, heads, kvHeads, headDim: d } = base.config;
  const largest = 4 * (heads + 2 * kvHeads) * d * H;
  const most = largest - 4;
  Object.defineProperty(runtime, 'maxTensorBytes', { value: most });
  const compiled = vi.spyOn(runtime, 'compile');
  const refusal = {
    code: 'too-large',
    message: expect.stringMatching(
      `the trained tensor base.0.qkv takes ${largest} bytes; this device can bind ${most} at most`,
    ),
    hint: expect.stringContaining('training.weights = lora'),
  };
  await expect(own.runCost(full('nocot'))).rejects.toMatchObject(refusal);
  await expect(keepAll(full('nocot'), { on: own })).rejects.toMatchObject(refusal);
  expect(compiled).not.toHaveBeenCalled();
  const adapters = parseRunConfig({ ...full('nocot'), training: { weights: 'lora' } });
  expect((await own.runCost(adapters)).kept).toBeGreaterThan(0);
  await own.close();
});
