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
  /** The other files that its weights lie in, by name. */
  readonly others: ReadonlyMap<string, ByteSource>;
  readonly sizes: OnnxSizes;
}

export interface OnnxSizes {
  /** H, V, heads, and of the cache: heads of keys and values, and their size d. */
  readonly hiddenSize: number;
  readonly vocabSize: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/** Token ids [B, T], row by row. */
export interface OnnxIds {
  readonly batch: number;
  readonly columns: number;
  readonly ids: ArrayLike<number>;
}
