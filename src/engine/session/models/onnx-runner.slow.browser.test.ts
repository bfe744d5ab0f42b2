import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memorySource } from '../../checkpoint/source';
import type { Device } from '../../device/device';
import { openDevice } from '../../device/open-device';
import type { LlamaForm } from '../../onnx/read/exports.testing';
import { readOnnxModel } from '../../onnx/read/model';
import { findResiduals } from '../../onnx/read/residuals';
import { wasmPaths } from '../../runtime/assets';
import { createRuntime, type Runtime } from '../../runtime/runtime';
import { tinyExport } from '../../testing/tiny-export.testing';
import { SMALLEST, tinyPair } from '../../testing/tiny-pair.testing';
import { relativeError } from '../../train/tiny.testing';
import { onnxConfig } from './onnx-config';
import type { OnnxExport } from './onnx-export';
import { OnnxRunner } from './onnx-runner';

// GroupQueryAttention needs heads of size 16, and 4-bit blocks need 32 inputs.
const SIZES = { ...SMALLEST.config, hidden_size: 32, intermediate_size: 32 };
const IDS = { batch: 2, columns: 5, ids: [3, 17, 200, 41, 5, 77, 9, 9, 10, 300] };

let device: Device;
let gpu: Runtime;
let cpu: Runtime;
let files: Map<string, Uint8Array<ArrayBuffer>>;
beforeAll(async () => {
  device = await openDevice();
  gpu = await createRuntime({ provider: 'webgpu', device, wasmPaths });
  cpu = await createRuntime({ provider: 'wasm', wasmPaths });
  files = await tinyPair({ config: SIZES });
});
afterAll(async () => {
  await gpu.dispose();
  await cpu.dispose();
  device.destroy();
});

async function exported(form: LlamaForm): Promise<OnnxExport> {
  const { model: bytes, data } = tinyExport(files, 'teacher', form);
  const file = memorySource(bytes.buffer);
  const model = await readOnnxModel(file);
  const decoder = findResiduals(model);
  const config = JSON.parse(new TextDecoder().decode(files.get('teacher/config.json')));
  const others = new Map(data ? [['model.onnx_data', memorySource(data.buffer)]] : []);
  return { name: 'model.onnx', model, decoder, file, others, sizes: onnxConfig(config, decoder) };
}

describe('an ONNX export in the browser', () => {
  // float32 on two providers; the GPU's own sine and cosine, from which the decomposed form computes its
  // tables, err by 2e-4.
  const forms: [string, LlamaForm, number][] = [
    ['decomposed', { form: 'decomposed' }, 2e-4],
    [
      'genai, 4 bits in another file',
      { form: 'genai', linears: 'q4', doRotary: true, externalFrom: 500 },
      1e-5,
    ],
  ];
  it.each(forms)('gives the same on WebGPU as on WASM: %s', async (_, form, tolerance) => {
    const file = await exported(form);
    const got = [];
    for (const runtime of [gpu, cpu]) {
      const runner = await OnnxRunner.open(runtime, file);
      const { states } = await runner.states(IDS);
      const read = await runner.begin([3, 17, 200]);
      const { logits } = await runner.advance(runner.repeat(read, 2), [41, 7]);
      got.push([...states, ...logits]);
      await runner.dispose();
    }
    const [onGpu, onCpu] = got as [Float32Array[], Float32Array[]];
    expect(onGpu.length).toBe(4);
    onGpu.forEach((values, i) => {
      expect(relativeError(values, onCpu[i] as Float32Array)).toBeLessThan(tolerance);
    });
  });

  it('runs in float16 on WASM if the browser has Float16Array', async () => {
    const [half, whole] = [
      await exported({ form: 'genai', halves: true }),
      await exported({ form: 'genai' }),
    ];
    const got = [];
    for (const file of [half, whole]) {
      const runner = await OnnxRunner.open(cpu, file);
      const { states } = await runner.states(IDS);
      const { logits } = await runner.advance(await runner.begin([3, 17, 200]), [41]);
      got.push([...states, ...logits]);
      await runner.dispose();
    }
    const [a, b] = got as [Float32Array[], Float32Array[]];
    a.forEach((values, i) => {
      const off = relativeError(values, b[i] as Float32Array);
      expect(off).toBeGreaterThan(1e-6);
      expect(off).toBeLessThan(5e-3);
    });
  });
});
