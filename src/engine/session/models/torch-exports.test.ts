/** Exports that torch.onnx wrote, opened from their folders, against what torch computes of the same models. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateDefaults } from '../../../contract/generate';
import { createRuntime, type Runtime } from '../../runtime/runtime';
import { tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { type TorchExport, textOf, torchExport } from '../../testing/torch-exports.testing';
import { tinyRun } from '../runs/tiny-run.testing';
import { LoriWorkbench } from '../workbench';
import type { OnnxExport, OnnxIds } from './onnx-export';
import { OnnxRunner } from './onnx-runner';
import { openModel } from './opened';

let runtime: Runtime;
let workbench: LoriWorkbench;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
  workbench = new LoriWorkbench(tinyEnvironment(await tinyPair()));
  await workbench.open('wasm');
  await workbench.loadPair('models');
});
afterAll(async () => {
  await workbench.close();
  await runtime.dispose();
});

/**
 * Largest difference, relative to the layer's largest value. Measured 3e-6: float32 on both sides, summed in another order.
 * In float16, which holds these weights exactly and rounds results to 11 bits: 2e-3, with some weights 1e-2. A value from
 * another place in the graph is off by 0.2 or more.
 */
const F32 = 1e-4;
const F16 = 2e-2;
const EXPORTS: [name: string, inputs: string[], tolerance: number][] = [
  ['llama-14', ['input_ids', 'attention_mask', 'position_ids'], F32],
  ['llama-17-unfolded', ['input_ids', 'attention_mask', 'position_ids'], F32],
  ['llama-fp16', ['input_ids', 'attention_mask', 'position_ids'], F16],
  ['llama-without-past', ['input_ids', 'attention_mask', 'position_ids'], F32],
  ['qwen2-positions-from-mask', ['input_ids', 'attention_mask'], F32],
  ['qwen2-positions-from-cache', ['input_ids', 'attention_mask'], F32],
  ['gpt2-positions-from-cache', ['input_ids', 'attention_mask'], F32],
  ['gpt2-17-unfolded', ['input_ids', 'attention_mask', 'position_ids'], F32],
  ['gpt2-without-past', ['input_ids', 'attention_mask', 'position_ids'], F32],
];

const opened = async (exported: TorchExport): Promise<OnnxExport> =>
  (await openModel(await exported.files())).model.onnx as OnnxExport;

/** All prompts in one batch, padded on the right. */
function together({ cases }: TorchExport): OnnxIds {
  const columns = Math.max(...cases.map(({ prompt }) => prompt.length));
  const ids = cases.flatMap(({ prompt }) => [...prompt, ...new Array(columns - prompt.length).fill(0)]);
  return { batch: cases.length, columns, ids };
}

function error(got: Float32Array, want: Float32Array): number {
  if (got.length !== want.length) return Number.NaN;
  const most = want.reduce((m, x) => Math.max(m, Math.abs(x)), 0);
  return got.reduce((m, x, i) => Math.max(m, Math.abs(x - (want[i] as number))), 0) / most;
}

describe.each(EXPORTS)('the export %s', (name, inputs, tolerance) => {
  const exported = torchExport(name);

  it('has torch’s hidden states and logits, for prompts of unequal length', async () => {
    const file = await opened(exported);
    expect([...file.decoder.inputs]).toEqual(inputs);
    const cached = file.decoder.caches.filter(({ past }) => past !== undefined).length;
    expect(cached).toBe(name.endsWith('without-past') ? 0 : 3);
    const runner = await OnnxRunner.open(runtime, file);
    const fed = together(exported);
    const { states, logits } = await runner.states(fed, { logits: true });
    expect(states.length).toBe(4);
    exported.cases.forEach(({ prompt, ...want }, b) => {
      const row = (values: Float32Array, width: number): Float32Array =>
        values.subarray(b * fed.columns * width, (b * fed.columns + prompt.length) * width);
      const off = want.states.map((layer, l) =>
        error(row(states[l] as Float32Array, exported.hiddenSize), layer),
      );
      off.push(error(row(logits?.data as Float32Array, exported.vocabSize), want.logits));
      expect(Math.max(...off), off.join(' ')).toBeLessThan(tolerance);
    });
    await runner.dispose();
  });

  it('continues the prompts as torch does, and is not trained', async () => {
    const report = await workbench.openCheckpoint(await exported.files());
    expect(report).toMatchObject({ name: exported.file, layers: 3, hidden: 24, vocabulary: 96 });
    for (const { prompt, greedy } of exported.cases) {
      const { samples } = await workbench.generate({
        subject: { kind: 'opened' },
        prompt: textOf(prompt),
        stop: [],
        settings: { ...generateDefaults, limit: greedy.length },
      });
      expect(samples[0]?.tokens.map(({ id }) => id)).toEqual(greedy);
    }
    const run = tinyRun({ roles: { student: 'opened', teacher: 'self' } } as never);
    await expect(workbench.distil(run)).rejects.toMatchObject({
      code: 'input',
      message: `${exported.file} is an ONNX export, which can only be run`,
      hint: expect.stringContaining('safetensors'),
    });
  });
});

it('one made for a single token, without a causal mask, is refused by what it does', async () => {
  const file = await opened(torchExport('llama-unmasked'));
  await expect(OnnxRunner.open(runtime, file)).rejects.toMatchObject({
    code: 'config',
    message: expect.stringMatching(
      /^decoder_with_past_model.onnx has no causal mask: .* of the output of layer 1 change .* and the logits with them/,
    ),
    hint: expect.stringContaining('model.onnx or decoder_model.onnx'),
  });
});
