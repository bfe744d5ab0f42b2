import type { ExportDType } from '../../../contract/model-files';
import { ConfigError, NumericError } from '../../base/errors';
import { floatsOf } from '../../base/half';
import { yieldToEventLoop } from '../../base/yield-to-event-loop';
import { encodeFloats } from '../../checkpoint/float';
import { isJsonObject, parseJson, quote } from '../../checkpoint/json';
import { sortedHeader } from '../../checkpoint/write';
import { checkpointTensors } from '../../nn/unpack';
import type { LoadedModel } from '../models/pair';
import { type Exported, mergedSource } from './subject';

const TORCH_NAMES: Readonly<Record<ExportDType, string>> = {
  f32: 'float32',
  f16: 'float16',
  bf16: 'bfloat16',
};

/** A model's safetensors: its size in bytes, and its pieces, read and rounded one tensor after another. */
export function mergedWeights(
  exported: Exported,
  dtype: ExportDType,
): {
  readonly bytes: number;
  pieces(onProgress?: (done: number) => void): AsyncGenerator<Uint8Array<ArrayBuffer>>;
} {
  const { config } = exported.model;
  const { storage: _, ...plain } = config;
  const source = mergedSource(exported);
  const described = checkpointTensors(plain, source).map((tensor) => ({ ...tensor, dtype }));
  const { header, tensors, length } = sortedHeader(described, new Map([['format', 'pt']]));
  return {
    bytes: length,
    async *pieces(onProgress) {
      let done = header.length;
      yield header;
      for (const { name, read } of tensors) {
        await yieldToEventLoop();
        const values = floatsOf(read());
        if (dtype === 'f16') checkRange(name, values);
        const bytes = encodeFloats(values, dtype);
        yield bytes;
        done += bytes.length;
        onProgress?.(done);
      }
    },
  };
}

const MAX_F16 = 65504;

function checkRange(name: string, values: Float32Array): void {
  const beyond = values.find((value) => Math.abs(value) > MAX_F16);
  if (beyond !== undefined)
    throw new NumericError(
      `tensor ${quote(name)} holds ${beyond.toPrecision(4)}, which is beyond f16 (largest ${MAX_F16})`,
      'Export as bf16 or f32.',
    );
}

/**
 * The small files of a model's folder, with config.json adapted to these weights.
 * @throws ConfigError if the model's own were not kept
 */
export async function smallFiles(
  model: LoadedModel,
  dtype: ExportDType,
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const out = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const [name, blob] of model.files ?? []) out.set(name, new Uint8Array(await blob.arrayBuffer()));
  const config = out.get('config.json');
  if (!config)
    throw new ConfigError(
      `the config.json of ${model.report.name} is not there`,
      'Open the model from its files again.',
    );
  const json = parseJson(config, 'config.json');
  if (!isJsonObject(json)) throw new ConfigError('config.json is not a JSON object', 'Open the model again.');
  const { _name_or_path: _, dtype: own, ...kept } = json;
  const { vocabSize, tieWordEmbeddings } = model.config;
  const written = {
    ...kept,
    vocab_size: vocabSize,
    tie_word_embeddings: tieWordEmbeddings,
    torch_dtype: TORCH_NAMES[dtype],
    ...(own !== undefined && { dtype: TORCH_NAMES[dtype] }),
  };
  out.set('config.json', new TextEncoder().encode(`${JSON.stringify(written, null, 2)}\n`));
  return out;
}
