import { MemoryError } from '../../base/errors';
import type { ByteSource } from '../../checkpoint/source';
import type { OnnxModel } from '../../onnx/read/model';
import type { DecoderGraph } from '../../onnx/read/residuals';

/** An ONNX export in its files: read, but not run. */
export interface OnnxExport {
  /** `model_q4.onnx` */
  readonly name: string;
  readonly model: OnnxModel;
  readonly decoder: DecoderGraph;
  readonly file: ByteSource;
  /** The other files that hold its weights, by name. */
  readonly others: ReadonlyMap<string, ByteSource>;
  readonly sizes: OnnxSizes;
}

export interface OnnxSizes {
  /** H, V, heads, and the cache's heads of keys and values with their size d. */
  readonly hiddenSize: number;
  readonly vocabSize: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/**
 * Maximum bytes that a pass over one sequence may compute at once: its logits, a layer's attention, or its
 * states.
 */
export const MAX_WHOLE_BYTES = 2 ** 30;

/** @throws MemoryError if the export computes logits at every token of the prompt and they take too much */
export function checkPromptLogits({ decoder, sizes, name }: OnnxExport, tokens: number): void {
  const bytes = 4 * tokens * sizes.vocabSize;
  if (decoder.inputs.has('num_logits_to_keep') || bytes <= MAX_WHOLE_BYTES) return;
  throw new MemoryError(
    `the prompt has ${tokens} tokens; ${name} computes ${bytes} bytes of logits for them at once, and at most ${MAX_WHOLE_BYTES} are allowed`,
    'Shorten the prompt, or choose an export with the input num_logits_to_keep.',
  );
}

/** Token ids [B, T], row by row. */
export interface OnnxIds {
  readonly batch: number;
  readonly columns: number;
  readonly ids: ArrayLike<number>;
}
