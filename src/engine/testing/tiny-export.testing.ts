import { parseModelConfig } from '../checkpoint/config';
import { toHost } from '../checkpoint/safetensors';
import { parseSafetensors } from '../checkpoint/safetensors.testing';
import { type LlamaForm, llamaExport } from '../onnx/read/exports.testing';
import type { Export } from '../onnx/read/write.testing';

/** A model of a folder (see `tinyPair`) as an ONNX export. */
export function tinyExport(
  files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>,
  role: 'base' | 'teacher',
  form: LlamaForm,
): Export {
  const of = (name: string) => files.get(`${role}/${name}`) as Uint8Array<ArrayBuffer>;
  const config = parseModelConfig(JSON.parse(new TextDecoder().decode(of('config.json'))));
  const stored = parseSafetensors(of('model.safetensors').slice().buffer);
  const tensors = new Map([...stored].map(([name, t]) => [name, toHost(t).data as Float32Array]));
  return llamaExport(config, tensors, form);
}
