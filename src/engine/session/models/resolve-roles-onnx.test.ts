import { expect, it } from 'vitest';
import type { NamedFile } from '../../../contract/lens';
import { tinyExport } from '../../testing/tiny-export.testing';
import { filesOf, tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { tinyRun } from '../runs/tiny-run.testing';
import { LoriWorkbench } from '../workbench';

it('refuses to train an opened ONNX export by name, and points to the safetensors', async () => {
  const pair = await tinyPair({ config: { hidden_size: 64, intermediate_size: 96 } });
  const workbench = new LoriWorkbench(tinyEnvironment(pair));
  await workbench.open('wasm');
  await workbench.loadPair('models');
  const { model } = tinyExport(pair, 'base', { form: 'genai' });
  const settings = filesOf(pair, 'base').filter(({ name }) => !name.endsWith('.safetensors'));
  const file: NamedFile = { name: 'model_fp16.onnx', data: new Blob([model]) };
  await workbench.openCheckpoint([...settings, file]);
  for (const teacher of ['self', 'bundled']) {
    const run = tinyRun({ roles: { student: 'opened', teacher } } as never);
    await expect(workbench.distil(run)).rejects.toMatchObject({
      code: 'input',
      message: 'model_fp16.onnx is an ONNX export, which can only be run',
      hint: expect.stringContaining('safetensors'),
    });
  }
  await workbench.close();
});
