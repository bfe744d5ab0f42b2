import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NamedFile, Subject } from '../../../contract/lens';
import type { ModelFileRequest } from '../../../contract/model-files';
import type { StatesRequest } from '../../../contract/states';
import { floatsOf } from '../../base/half';
import { parseSafetensors } from '../../checkpoint/safetensors.testing';
import { loadOrt } from '../../runtime/ort';
import { filesOf, TINY_FAMILIES, tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { insideOf } from '../inside.testing';
import { readNpy } from '../models/families-files.testing';
import type { LoadedModels } from '../models/subjects';
import { tinyRun } from '../runs/tiny-run.testing';
import { LoriWorkbench } from '../workbench';
import { exportModel } from './export';
import { jsonOf, unpacked } from './unpacked.testing';

const run = promisify(execFile);
const python = '/usr/bin/python3';
const hasTorch = spawnSync(python, ['-c', 'import torch']).status === 0;
/** Arguments for `scripts/formats/read_export.py`, for each student and format. */
const folder = mkdtempSync(join(tmpdir(), 'exports-'));
const forTorch: string[][] = [];
afterAll(() => rmSync(folder, { recursive: true }));

const TEXT = 'Tom has 12 apples and 7 pears.';
const STUDENT: Subject = { kind: 'student' };

/** Largest difference as a share of the largest value. */
function distance(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  const size = b.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  return a.reduce((most, x, i) => Math.max(most, Math.abs(x - (b[i] as number))), 0) / size;
}

describe.each([
  ['llama', {}],
  ['gpt2', TINY_FAMILIES.gpt2],
  ['qwen3', TINY_FAMILIES.qwen3],
] as const)('a trained %s student', (family, options) => {
  let workbench: LoriWorkbench;
  let base: NamedFile[];
  let states: Float32Array;

  const statesOf = async (subject: Subject): Promise<Float32Array> => {
    const { blob } = await workbench.exportStates(statesRequest(subject));
    return readNpy(new Uint8Array(await blob.arrayBuffer())).values;
  };
  const statesRequest = (subject: Subject): StatesRequest => ({
    source: { kind: 'texts', texts: [TEXT] },
    ...{ subject, sections: ['text'], layers: null, format: 'npy' },
  });
  const reopened = async (files: readonly NamedFile[]): Promise<number> => {
    await workbench.openCheckpoint(files);
    return distance(await statesOf({ kind: 'opened' }), states);
  };
  const exported = (request: Omit<ModelFileRequest, 'subject'>) =>
    workbench.exportModel({ subject: STUDENT, ...request });

  beforeAll(async () => {
    const files = await tinyPair(options);
    workbench = new LoriWorkbench(tinyEnvironment(files));
    await workbench.open('wasm');
    await workbench.loadPair('models');
    // A large learning rate, so that the adapter matters.
    await workbench.distil(tinyRun({ optimiser: { learningRate: 0.05 } }));
    base = filesOf(files, 'base');
    states = await statesOf(STUDENT);
    const at = (name: string): string => join(folder, `${family}-${name}`);
    const save = async (name: string, blob: Blob): Promise<string> => {
      writeFileSync(at(name), await blob.bytes());
      return at(name);
    };
    const written = await workbench.exportStates(statesRequest(STUDENT));
    const about = new Blob([JSON.stringify({ states: written })]);
    const compared = [
      '--states',
      await save('states.npy', written.blob),
      '--about',
      await save('a.json', about),
    ];
    mkdirSync(at('base'));
    for (const { name, data } of base) await save(`base/${name}`, data);
    for (const request of [{ format: 'peft' }, { format: 'merged', dtype: 'f32' }] as const) {
      const archive = await save(`${request.format}.zip`, (await exported(request)).blob);
      forTorch.push([archive, '--base', at('base'), ...compared]);
    }
    // The student differs from its base model.
    expect(distance(await statesOf({ kind: 'base' }), states)).toBeGreaterThan(0.01);
  }, 60_000);
  afterAll(() => workbench.close());

  it('as a PEFT folder: reopened with its base, by name or beside it, it has the same states', async () => {
    const file = await exported({ format: 'peft' });
    expect(file.name).toMatch(/-peft\.zip$/);
    const files = await unpacked(file);
    expect(file.files.map(({ name }) => name)).toEqual(files.map(({ name }) => name));
    const config = await jsonOf(files, 'adapter_config.json');
    expect(config).toMatchObject({ peft_type: 'LORA', r: 2, fan_in_fan_out: family === 'gpt2' });
    expect(config.target_modules).toEqual(
      family === 'gpt2'
        ? ['c_attn', 'attn.c_proj', 'c_fc', 'mlp.c_proj']
        : ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
    );
    expect(config.rank_pattern).toEqual(family === 'gpt2' ? { c_attn: 6 } : {});
    // Merged in float32 against applied in float32; measured at most 2e-6.
    expect(await reopened(files)).toBeLessThan(1e-5);
    // The archive itself, opened on the bundled base that it names, is the same student, with its thoughts.
    const whole = await workbench.openCheckpoint([{ name: file.name, data: file.blob }]);
    expect(whole).toMatchObject({ thoughts: 2, adapter: { base: expect.any(String) } });
    expect(distance(await statesOf({ kind: 'opened' }), states)).toBeLessThan(1e-5);
    const report = await workbench.openCheckpoint([...base, ...files]);
    expect(report.adapter).toMatchObject({ onOpened: false, linears: family === 'gpt2' ? 8 : 14 });
    expect(distance(await statesOf({ kind: 'opened' }), states)).toBeLessThan(1e-5);
  });

  it.each([
    ['f32', 1e-5],
    ['f16', 4e-3],
    ['bf16', 3e-2],
  ] as const)('as a merged model in %s: opened again, it has the same states', async (dtype, tolerance) => {
    const archive = await exported({ format: 'merged', dtype });
    const files = await unpacked(archive);
    expect(await workbench.openCheckpoint([{ name: archive.name, data: archive.blob }])).toMatchObject({
      thoughts: 2,
    });
    expect(await jsonOf(files, 'config.json')).toMatchObject({
      torch_dtype: { f32: 'float32', f16: 'float16', bf16: 'bfloat16' }[dtype],
    });
    expect(files.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['config.json', 'tokenizer.json', 'model.safetensors', 'lori.json']),
    );
    const off = await reopened(files);
    expect(off).toBeLessThan(tolerance);
    if (dtype !== 'f32') expect(off).toBeGreaterThan(1e-5);
    const weights = files.find(({ name }) => name === 'model.safetensors')?.data as Blob;
    const tensors = parseSafetensors(await weights.arrayBuffer());
    expect(new Set([...tensors.values()].map((tensor) => tensor.dtype))).toEqual(new Set([dtype]));
    // Exporting the reopened model gives the same file, to the bit.
    const again = await unpacked(
      await workbench.exportModel({ subject: { kind: 'opened' }, format: 'merged', dtype }),
    );
    const other = again.find(({ name }) => name === 'model.safetensors')?.data as Blob;
    expect(await other.bytes()).toEqual(await weights.bytes());
  });

  it('as an ONNX graph: stock onnxruntime computes the same logits', async () => {
    const { blob, name } = await exported({ format: 'onnx', length: 16 });
    expect(name).toMatch(/-onnx\.onnx$/);
    const { ort } = await loadOrt(undefined);
    const session = await ort.InferenceSession.create(new Uint8Array(await blob.arrayBuffer()));
    expect([session.inputNames, session.outputNames]).toEqual([['input_ids'], ['logits']]);
    const inside = insideOf<{ loadedModels(): LoadedModels }>(workbench);
    const { pair } = inside.loadedModels();
    const ids = pair!.tokenizer.encode(TEXT);
    const padded = [...ids, ...Array<number>(16 - ids.length).fill(0)];
    const { logits } = await session.run({
      input_ids: new ort.Tensor('int64', BigInt64Array.from(padded, BigInt), [1, 16]),
    });
    const V = pair!.base.config.vocabSize;
    expect(logits?.dims).toEqual([1, 16, V]);
    const head = floatsOf(
      pair!.base.weights.read(pair!.base.weights.tensors.has('w.head') ? 'w.head' : 'w.embedding'),
    );
    const H = pair!.base.config.hiddenSize;
    const last = states.subarray(states.length - ids.length * H);
    const expected = Float32Array.from({ length: ids.length * V }, (_, i) => {
      const [t, v] = [Math.floor(i / V), i % V];
      let sum = 0;
      for (let h = 0; h < H; h++) sum += (last[t * H + h] as number) * (head[v * H + h] as number);
      return sum;
    });
    const actual = ((logits?.data ?? new Float32Array()) as Float32Array).subarray(0, expected.length);
    expect(distance(actual, expected)).toBeLessThan(1e-5);
    await session.release();
  });
});

it.skipIf(!hasTorch)(
  'PyTorch reads every adapter and merged model, and computes the same states and logits',
  async () => {
    const script = `import sys; sys.path.insert(0, "scripts/formats"); import read_export
sys.exit(max(read_export.main(args) for args in ${JSON.stringify(forTorch)}))`;
    expect(forTorch).toHaveLength(6);
    const { stdout } = await run(python, ['-c', script]);
    expect(stdout.trim().split('\n')).toHaveLength(6);
  },
  60_000,
);

describe('refusals name what cannot be exported', () => {
  const refused = (loaded: Partial<LoadedModels>, request: Partial<ModelFileRequest>) =>
    exportModel({ checkpoints: new Map(), ...loaded }, { subject: STUDENT, format: 'peft', ...request });

  it('an unknown format, type or length, and a missing student', async () => {
    await expect(refused({}, { format: 'gguf' as 'peft' })).rejects.toThrow(/no format "gguf"/);
    await expect(refused({}, { dtype: 'int8' as 'f32' })).rejects.toThrow(/no type of weights "int8"/);
    await expect(refused({}, { length: 0.5 })).rejects.toThrow(/graph of 0.5 positions/);
    await expect(refused({}, {})).rejects.toThrow(/no models are loaded/);
  });

  it('a model without an adapter as PEFT, weights beyond f16, and more positions than the model has', async () => {
    const workbench = new LoriWorkbench(tinyEnvironment(await tinyPair({ scale: 1e6 })));
    await workbench.open('wasm');
    await workbench.loadPair('models');
    const of = (request: Omit<ModelFileRequest, 'subject'>) =>
      workbench.exportModel({ subject: { kind: 'base' }, ...request });
    await expect(of({ format: 'peft' })).rejects.toMatchObject({
      code: 'config',
      message: expect.stringMatching(/no adapter that PEFT/),
    });
    await expect(of({ format: 'merged', dtype: 'f16' })).rejects.toMatchObject({
      code: 'numeric',
      message: expect.stringMatching(/tensor ".*" holds .*, which is beyond f16/),
    });
    await expect(of({ format: 'onnx', length: 300 })).rejects.toThrow(/the model has 256/);
    const abort = new AbortController();
    abort.abort();
    const cancelled = workbench.exportModel(
      { subject: { kind: 'base' }, format: 'merged' },
      { signal: abort.signal },
    );
    await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' });
    await workbench.close();
  });
});
