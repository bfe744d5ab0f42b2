import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { floatsOf } from '../../src/engine/base/half';
import { parseModelConfig } from '../../src/engine/checkpoint/config';
import { toHost } from '../../src/engine/checkpoint/safetensors';
import { parseSafetensors } from '../../src/engine/checkpoint/safetensors.testing';
import { type LlamaForm, llamaExport } from '../../src/engine/onnx/read/exports.testing';

/** A bundled model as a folder for transformers.js: onnx/model.onnx with its data, config.json and the tokenizer. */
export async function exportedModel(name: 'base' | 'teacher', form: LlamaForm): Promise<string> {
  const of = (file: string) =>
    readFile(fileURLToPath(new URL(`../../models/${name}/${file}`, import.meta.url)));
  const json = await of('config.json');
  const bytes = Uint8Array.from(await of('model.safetensors'));
  const tensors = new Map(
    [...parseSafetensors(bytes.buffer)].map(([key, tensor]) => [key, floatsOf(toHost(tensor))]),
  );
  const { model, data } = llamaExport(parseModelConfig(JSON.parse(json.toString())), tensors, form);
  const folder = await mkdtemp(join(tmpdir(), 'export-'));
  await mkdir(join(folder, 'onnx'));
  await writeFile(join(folder, 'onnx', 'model.onnx'), model);
  if (data) await writeFile(join(folder, 'onnx', 'model.onnx_data'), data);
  await writeFile(join(folder, 'config.json'), json);
  for (const file of ['tokenizer.json', 'tokenizer_config.json'])
    await writeFile(join(folder, file), await of(file));
  return folder;
}
