import { BUG, InputError, RuntimeError } from '../base/errors';
import { floatsOf } from '../base/half';
import { type Shape, sizeOf } from '../base/shape';
import { EMBEDDED } from '../nn/vocabulary';
import type { WeightSource } from '../nn/weight-source';
import type { Binding } from '../runtime/executable';
import type { Runtime } from '../runtime/runtime';
import type { DeviceTensor } from '../runtime/tensor';

/**
 * Token ids that a program takes as their embeddings [rows, H]: the name of the ids, and the name of the
 * embeddings' input.
 */
export interface FedEmbedding {
  readonly ids: string;
  readonly input: string;
  readonly rows: number;
}

/** The fed embedding that a program's input is, if it is one. */
export function fedEmbedding(input: string, { shape }: Binding): FedEmbedding | undefined {
  if (!input.startsWith(EMBEDDED)) return undefined;
  return { ids: input.slice(EMBEDDED.length), input, rows: shape[0] as number };
}

/**
 * Rows of the embedding for ids written from host memory, read from where the weights are stored.
 * @throws InputError for an id outside the model's vocabulary, RuntimeError for the wrong number of ids
 */
export function readEmbeddings(
  runtime: Runtime,
  source: WeightSource,
  { ids: name, input, rows }: FedEmbedding,
  ids: DeviceTensor | undefined,
): DeviceTensor {
  if (ids?.dtype !== 'i32' || sizeOf(ids.shape) !== rows)
    throw new RuntimeError(
      `input "${name}" must be i32 of ${rows} values, got ${ids ? `${ids.dtype} of ${sizeOf(ids.shape)}` : 'nothing'}`,
    );
  const { written } = ids;
  if (!written)
    throw new RuntimeError(
      `input "${name}": a program has written these ids, and only the device has them`,
      BUG,
    );
  return runtime.upload(embeddingRows(source, Array.from(written)), input);
}

/** Rows of the embedding as f32, [ids, H]. @throws InputError for an id outside the model's vocabulary */
export function embeddingRows(
  source: WeightSource,
  ids: readonly number[],
): { readonly dtype: 'f32'; readonly shape: readonly number[]; readonly data: Float32Array<ArrayBuffer> } {
  const { shape } = source.tensors.get('w.embedding') as { readonly shape: Shape };
  const [V, H] = shape as [number, number];
  const data = new Float32Array(ids.length * H);
  const read = new Map<number, Float32Array>();
  ids.forEach((id, i) => {
    if (!(id >= 0 && id < V))
      throw new InputError(
        `token id ${id}; the model has ${V} tokens`,
        'Use a model and a tokenizer from the same checkpoint.',
      );
    let row = read.get(id);
    if (!row) {
      row = floatsOf(source.read('w.embedding', id, id + 1));
      read.set(id, row);
    }
    data.set(row, i * H);
  });
  return { dtype: 'f32', shape: [ids.length, H], data };
}
