import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { SMALL_FILES } from '../contract/checkpoint-files';
import { checkpointFiles } from './subjects';

async function namesOf(present: readonly string[], path: string): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'checkpoint-'));
  try {
    await mkdir(join(folder, 'onnx'));
    for (const name of present) await writeFile(join(folder, name), name);
    return (await checkpointFiles(join(folder, path))).map(({ name }) => name).sort();
  } finally {
    await rm(folder, { recursive: true });
  }
}

it('an export given by its path comes with all small files above it, and none of another export’s', async () => {
  const exports = ['onnx/model.onnx', 'onnx/model_q4.onnx', 'onnx/model_q4.onnx_data'];
  const other = ['README.md', 'quantize_config.json'];
  const names = await namesOf([...SMALL_FILES, ...other, ...exports], 'onnx/model_q4.onnx');
  expect(names).toEqual([...SMALL_FILES, 'model_q4.onnx', 'model_q4.onnx_data'].sort());
});

it('an export given by its path comes with the small files beside it', async () => {
  const beside = SMALL_FILES.map((name) => `onnx/${name}`);
  const names = await namesOf(['config.json', 'tokenizer.json', ...beside, 'onnx/x.onnx'], 'onnx/x.onnx');
  expect(names).toEqual([...SMALL_FILES, 'x.onnx'].sort());
});
