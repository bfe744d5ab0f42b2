/**
 * A checkpoint as a folder for transformers.js: config.json, the tokenizer, and onnx/model….onnx in the form that the builder of
 * onnxruntime-genai writes (RotaryEmbedding, GroupQueryAttention, SkipSimplifiedLayerNormalization of com.microsoft).
 */
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LlamaForm, llamaExport } from '../../../../src/engine/onnx/read/exports.testing';
import type { Checkpoint } from './checkpoint';

export type OnnxDtype = 'fp32' | 'q8' | 'q4';

/** File name, form, and what to say of it. q8 is dynamic: activations are rounded to 8 bits before every product. */
const FORMS: Readonly<Record<OnnxDtype, readonly [string, Omit<LlamaForm, 'form'>]>> = {
  fp32: ['model', {}],
  q8: ['model_quantized', { linears: 'int8', vocabulary: true }],
  q4: ['model_q4', { linears: 'q4', vocabulary: true, accuracyLevel: 4 }],
};

/** What the graphs are, in words. */
export const ONNX_GRAPH =
  'RotaryEmbedding + GroupQueryAttention + SkipSimplifiedLayerNormalization; q8: DynamicQuantizeLinear + MatMulInteger, head and embedding int8; q4: MatMulNBits, blocks of 32, accuracy level 4, head too, embedding float32';

/** The model's file of one dtype. @throws an error for another family than LLaMA's and Qwen2's */
export function onnxModel({ json, config, tensors }: Checkpoint, dtype: OnnxDtype): Uint8Array<ArrayBuffer> {
  if (json.model_type !== 'llama' && json.model_type !== 'qwen2')
    throw new Error(`no ONNX export is written for model_type ${JSON.stringify(json.model_type)}`);
  if (json.rope_scaling) throw new Error('no ONNX export is written for scaled rotary embeddings');
  return llamaExport(config, tensors, { form: 'genai', ...FORMS[dtype][1] }).model;
}

/** Writes those files that are not there yet. */
export function writeOnnxFolder(
  from: string,
  to: string,
  checkpoint: Checkpoint,
  dtypes: readonly OnnxDtype[],
): void {
  mkdirSync(join(to, 'onnx'), { recursive: true });
  for (const name of ['config.json', 'tokenizer.json', 'tokenizer_config.json'])
    copyFileSync(join(from, name), join(to, name));
  for (const dtype of dtypes) {
    const path = join(to, 'onnx', `${FORMS[dtype][0]}.onnx`);
    if (!existsSync(path)) writeFileSync(path, onnxModel(checkpoint, dtype));
  }
}
